import { expect, test } from 'vitest'

import { ribbonScale } from './ribbon'

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('now is the right end, and older lies further left', () => {
  const { position } = ribbonScale(60 * DAY)
  expect(position(0)).toBe(1)
  expect(position(-5_000)).toBe(1)
  const places = [HOUR, DAY, 7 * DAY, 60 * DAY].map(position)
  expect(places).toEqual(places.toSorted((a, b) => b - a))
})

test('the oldest point is on the ribbon, near its left end', () => {
  const oldest = ribbonScale(60 * DAY).position(60 * DAY)
  expect(oldest).toBeGreaterThan(0)
  expect(oldest).toBeLessThan(0.1)
})

test.each([
  [5 * 60_000, ['1 h']],
  [3 * DAY, ['1 h', '1 d']],
  [60 * DAY, ['1 h', '1 d', '1 w', '1 mo']],
  [500 * DAY, ['1 h', '1 d', '1 w', '1 mo', '3 mo', '1 y']],
])('an oldest point of %d ms has the ticks %s', (age, labels) => {
  expect(ribbonScale(age).ticks.map((tick) => tick.label)).toEqual(labels)
})
