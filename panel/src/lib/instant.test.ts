import { expect, test } from 'vitest'

import { formatAgo, formatInstant, formatTime } from './instant'

const NOW = Date.UTC(2026, 10, 22, 21, 39)
const HOUR = 3_600_000

test.each([
  [-5_000, 'just now'],
  [44_000, 'just now'],
  [46_000, '1 minute ago'],
  [4 * 60_000, '4 minutes ago'],
  [HOUR, '1 hour ago'],
  [23.9 * HOUR, '23 hours ago'],
  [26 * HOUR, 'yesterday'],
  [48 * HOUR, '2 days ago'],
  [19 * 24 * HOUR, '19 days ago'],
  [64 * 24 * HOUR, '2 months ago'],
  [800 * 24 * HOUR, '2 years ago'],
  [-90_000, 'in 2 minutes'],
  [-25 * HOUR, 'in 1 day'],
  [-30 * 24 * HOUR + 5_000, 'in 30 days'],
  [-90 * 24 * HOUR, 'in 3 months'],
])('%d ms before now is "%s"', (age, text) => {
  expect(formatAgo(NOW - age, NOW)).toBe(text)
})

test('the absolute time names its zone', () => {
  expect(formatInstant(NOW, 'UTC')).toBe('22 Nov 2026, 21:39 UTC')
})

test('lines of a log are told to the second', () => {
  expect(formatTime(Date.parse('2026-11-15T16:08:04.900Z'), 'UTC')).toBe('16:08:04')
})
