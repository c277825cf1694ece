// What the page reads from PostgreSQL, by named statements on as many connections as the others have.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import * as columns from './columns.mjs'

// A number of bytes is below 2^53; an instant is wanted as text in UTC.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) =>
  new Date(`${text.replace(' ', 'T')}:00`).toISOString())

export async function open(url, account) {
  // Instants come in the time zone of the session, and end in +00 where that is UTC.
  const pool = new pg.Pool({ connectionString: url, max: 16, options: '-c TimeZone=UTC' })
  const ask = async (name, text, values) => (await pool.query({ name, text, values })).rows
  const volumes = `SELECT ${columns.volume('created_at')} FROM volumes
    WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2`
  const plans = `SELECT ${columns.plan} FROM volume_plans WHERE id = ANY($1)`
  const under = { owner: 'account_id = $1', among: '= ANY($2)', first: '$3' }
  const snapshots = columns.newest('snapshots', columns.snapshot('created_at'), under)
  const backups = columns.newest('backups', columns.backup('created_at'), under)
  const rename = `WITH changed AS (
      UPDATE volumes SET name = $3, search_name = $4
      WHERE id = $2 AND account_id = $1 AND deleted_at IS NULL
      RETURNING id, name
    ), noted AS (
      INSERT INTO audit_events (id, at, account_id, actor, mutation, resource_ids, outcome)
      SELECT $5, date_trunc('milliseconds', clock_timestamp()), $1, 'mercurius', 'updateVolume', id, 'OK'
      FROM changed
    ) SELECT id, name FROM changed`
  return {
    volumes: (limit) => ask('volumes', volumes, [account, limit]),
    plans: (ids) => ask('plans', plans, [ids]),
    snapshots: (ids, first) => ask('snapshots', snapshots, [account, ids, first]),
    backups: (ids, first) => ask('backups', backups, [account, ids, first]),
    rename: async (id, name) =>
      (await ask('rename', rename, [account, id, name, name.toLowerCase(), randomUUID()]))[0],
  }
}
