// What the page reads from SQLite, by Node's own driver, which does not leave the process.
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import * as columns from './columns.mjs'

const INSTANT = "strftime('%Y-%m-%dT%H:%M:%fZ', created_at)"

export async function open(url, account) {
  const database = new DatabaseSync(url.replace(/^sqlite:(\/\/)?/, ''))
  database.exec('PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL')
  const volumes = database.prepare(`SELECT ${columns.volume(INSTANT)} FROM volumes
    WHERE account_id = ?1 AND deleted_at IS NULL ORDER BY id DESC LIMIT ?2`)
  const plans = database.prepare(`SELECT ${columns.plan} FROM volume_plans
    WHERE id IN (SELECT value FROM json_each(?1))`)
  // The plus sign keeps SQLite from reading all that the account has, by the index of accounts.
  const among = 'IN (SELECT value FROM json_each(?2))'
  const under = { owner: '+account_id = ?1', among, first: '?3' }
  const snapshots = database.prepare(columns.newest('snapshots', columns.snapshot(INSTANT), under))
  const backups = database.prepare(columns.newest('backups', columns.backup(INSTANT), under))
  const begin = database.prepare('BEGIN IMMEDIATE')
  const change = database.prepare(`UPDATE volumes SET name = ?3, search_name = ?4
    WHERE id = ?2 AND account_id = ?1 AND deleted_at IS NULL RETURNING id, name`)
  const note = database.prepare(`INSERT INTO audit_events
    (id, at, account_id, actor, mutation, resource_ids, outcome)
    VALUES (?3, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), ?1, 'mercurius', 'updateVolume', ?2, 'OK')`)
  const commit = database.prepare('COMMIT')
  return {
    volumes: (limit) => volumes.all(account, limit),
    plans: (ids) => plans.all(JSON.stringify(ids)),
    snapshots: (ids, first) => snapshots.all(account, JSON.stringify(ids), first),
    backups: (ids, first) => backups.all(account, JSON.stringify(ids), first),
    rename(id, name) {
      begin.run()
      const volume = change.get(account, id, name, name.toLowerCase())
      note.run(account, id, randomUUID())
      commit.run()
      return volume
    },
  }
}
