import { expect, test } from 'vitest'

import { compareMoments, heldBy, isBefore } from './operation-order'

const moment = (revision: number, attempt: number, bytesDone: number) => ({ revision, attempt, progress: { bytesDone } })

test('the revision counts first, then the attempt, then the bytes', () => {
  expect(compareMoments(moment(2, 1, 900), moment(3, 2, 0))).toBeLessThan(0)
  expect(compareMoments(moment(2, 2, 0), moment(2, 1, 900))).toBeGreaterThan(0)
  expect(compareMoments(moment(2, 1, 100), moment(2, 1, 200))).toBeLessThan(0)
  expect(compareMoments(moment(2, 1, 100), moment(2, 1, 100))).toBe(0)
})

test('of two that were asked for in the same millisecond, the id tells which was the first', () => {
  const at = '2026-11-22T12:00:00.000Z'
  expect(isBefore({ id: 'a', createdAt: at }, { id: 'b', createdAt: at })).toBe(true)
  expect(isBefore({ id: 'b', createdAt: at }, { id: 'a', createdAt: at })).toBe(false)
  expect(isBefore({ id: 'b', createdAt: '2026-11-22T11:59:59.999Z' }, { id: 'a', createdAt: at })).toBe(true)
})

test('the lock is that of the volume, of both volumes, or of none', () => {
  const volume = { id: 'source' }
  const targetVolume = { id: 'new' }
  const backup = { id: 'backup' }
  expect(heldBy({ kind: 'CREATE_BACKUP', volume, targetVolume: null, backup })).toEqual(['source'])
  expect(heldBy({ kind: 'DELETE_BACKUP', volume, targetVolume: null, backup })).toEqual([])
  expect(heldBy({ kind: 'RESTORE_TO_NEW_VOLUME', volume, targetVolume, backup })).toEqual(['new'])
  expect(heldBy({ kind: 'RESTORE_TO_NEW_VOLUME', volume, targetVolume, backup: null })).toEqual(['new', 'source'])
})
