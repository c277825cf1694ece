// The columns that the page shows, as the API calls them.
const status = `CASE
  WHEN state = 'available' AND active_operation = 'restore_in_place' THEN 'RESTORING'
  WHEN state = 'available' AND instance_id IS NOT NULL THEN 'ATTACHED'
  ELSE upper(state) END AS status`

export const volume = (instant) => `id, name, size_bytes AS "sizeBytes", upper(storage_type) AS "storageType",
  ${status}, ${instant} AS "createdAt", plan_id AS "planId"`
export const plan = `id, name, size_bytes AS "sizeBytes", max_snapshots AS "maxSnapshots", max_backups AS "maxBackups"`
export const snapshot = (instant) =>
  `id, volume_id AS "volumeId", name, upper(status) AS status, ${instant} AS "createdAt"`
export const backup = (instant) => `${snapshot(instant)}, stored_bytes AS "storedBytes"`

// The newest rows of a table under each of many volumes.
export const newest = (table, columns, { owner, among, first }) => `SELECT ${columns} FROM (
    SELECT *, row_number() OVER (PARTITION BY volume_id ORDER BY id DESC) AS place FROM ${table}
    WHERE volume_id ${among} AND ${owner} AND deleted_at IS NULL
  ) AS ranked WHERE place <= ${first} ORDER BY place`
