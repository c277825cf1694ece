import { expect, test } from 'vitest'

import { helpFor, isWorthRetrying, onlyCodes, reasonOf } from './guards'
import { isolate } from './isolate'

const NOW = Date.UTC(2026, 10, 22, 12)
const usage = { snapshots: 5, maxSnapshots: 5, backups: 0, maxBackups: 0 }

function reason(code: string, message = 'In the API’s words.', availableAt?: string) {
  return reasonOf([{ code, message, availableAt }], { now: NOW, usage, instance: 'db-01' })
}

test('without a blocker there is no reason', () => {
  expect(reasonOf([], { now: NOW })).toBeNull()
})

test('a busy volume says with what', () => {
  expect(reason('VOLUME_BUSY', 'Volume is busy with operation: backup')).toMatch(/^Wait for the backup to finish\./)
})

test('a cooldown counts down by the server’s clock', () => {
  expect(reason('VOLUME_IN_COOLDOWN', '', new Date(NOW + 272_000).toISOString())).toBe('Available again in 4:32.')
})

test('a reached cap tells both numbers', () => {
  expect(reason('SNAPSHOT_LIMIT_REACHED')).toMatch(/^Snapshot limit reached \(5 of 5\)\./)
})

test('a plan without backups says so', () => {
  expect(reason('BACKUP_LIMIT_REACHED')).toMatch(/no backups/)
})

test('a running instance is named', () => {
  expect(reason('VOLUME_ATTACHED_TO_RUNNING_INSTANCE')).toBe(`${isolate('db-01')} is running. Stop it, or detach the volume.`)
})

test('too much in flight is counted', () => {
  const message = 'Too many volume operations in flight (3 of 3). Wait for one to finish.'
  expect(reason('IN_FLIGHT_LIMIT_REACHED', message)).toBe('You already have 3 volume operations running. Wait for one to finish.')
})

test('what is not known here is told in the API’s words', () => {
  expect(reason('SOMETHING_NEW')).toBe('In the API’s words.')
  expect(helpFor('SOMETHING_NEW')).toBeUndefined()
})

test('the first blocker counts, unless only some do', () => {
  const blockers = [
    { code: 'VOLUME_IN_COOLDOWN', message: 'Later.' },
    { code: 'VOLUME_BUSY', message: 'Volume is busy with operation: snapshot' },
  ]
  expect(reasonOf(blockers, { now: NOW })).toBe('Later.')
  expect(onlyCodes(blockers, ['VOLUME_BUSY']).map((one) => one.code)).toEqual(['VOLUME_BUSY'])
})

test('only what may not have arrived is tried again', () => {
  expect(isWorthRetrying('UNREACHABLE')).toBe(true)
  expect(isWorthRetrying('VOLUME_BUSY')).toBe(false)
})

test('administrators are told what to set up, users whom to ask', () => {
  expect(helpFor('NO_BACKUP_STORAGE', { isAdmin: true })).toMatch(/hypervisor group/)
  expect(helpFor('NO_BACKUP_STORAGE')).toMatch(/support/)
})

test('only with a key is it safe to try again what may have started', () => {
  expect(helpFor('UNKNOWN_OUTCOME', { repeatable: true })).toMatch(/starts nothing twice/)
  expect(helpFor('UNKNOWN_OUTCOME')).toMatch(/Look before you try again/)
})
