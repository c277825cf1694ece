import { expect, test } from 'vitest'

import { beginOf, readBackupAge, readPeriod, withoutBackup } from './period'

const NOW = Date.UTC(2026, 10, 22, 12, 34, 56)

test('a period begins at a minute, so that a list is not asked for anew with each second', () => {
  expect(beginOf('day', NOW)).toBe('2026-11-21T12:34:00.000Z')
  expect(beginOf('day', NOW + 3_000)).toBe(beginOf('day', NOW))
  expect(beginOf(undefined, NOW)).toBeUndefined()
})

test('without a backup is none at all, or none for so many days', () => {
  expect(withoutBackup('7', NOW)).toEqual({ noBackupSince: '2026-11-15T12:00:00.000Z' })
  expect(withoutBackup('none', NOW)).toEqual({ unprotected: true })
  expect(withoutBackup(undefined, NOW)).toEqual({})
})

test('what is none in a URL is dropped', () => {
  expect([readPeriod('week'), readPeriod('year'), readPeriod(7)]).toEqual(['week', undefined, undefined])
  // The router reads numbers out of what looks like one.
  expect([readBackupAge(7), readBackupAge('none'), readBackupAge('2')]).toEqual(['7', 'none', undefined])
})
