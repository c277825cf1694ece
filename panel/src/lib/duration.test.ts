import { expect, test } from 'vitest'

import { formatCountdown, formatDuration, formatTimeLeft, formatTook } from './duration'

test.each([
  [-5, '0 s'],
  [9_999, '9 s'],
  [60_000, '1 min'],
  [192_000, '3 min 12 s'],
  [3_840_000, '1 h 4 min'],
  [3_600_000 * 51, '2 d 3 h'],
])('%d ms last %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [300_000, '5:00'],
  [271_001, '4:32'],
  [1, '0:01'],
  [0, '0:00'],
  [-1, '0:00'],
])('a countdown of %d ms shows %s', (ms, text) => {
  expect(formatCountdown(ms)).toBe(text)
})

test.each([
  [3_000, 'A few seconds left'],
  [41_000, 'About 45 s left'],
  [89_000, 'About 90 s left'],
  [91_000, 'About 2 min left'],
  [120_000, 'About 2 min left'],
  [89 * 60_000, 'About 89 min left'],
  [96 * 60_000, 'About 1.6 h left'],
  [120 * 60_000, 'About 2 h left'],
])('%d ms left is "%s"', (ms, text) => {
  expect(formatTimeLeft(ms)).toBe(text)
})

test('what took no second is said in one way', () => {
  for (const ms of [0, 999]) expect(formatTook(ms)).toBe('under 1 s')
  expect(formatTook(1_000)).toBe('1 s')
})
