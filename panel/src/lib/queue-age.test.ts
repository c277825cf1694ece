import { expect, test } from 'vitest'

import { latenessOf } from './queue-age'

const MINUTE = 60_000

test('an operation is late after 30 minutes, and overdue near its deadline', () => {
  const minutes = (count: number) => latenessOf(count * MINUTE, 120 * MINUTE)
  expect([0, 30].map(minutes)).toEqual(['fine', 'fine'])
  expect([31, 99].map(minutes)).toEqual(['late', 'late'])
  expect([100, 119, 500].map(minutes)).toEqual(['overdue', 'overdue', 'overdue'])
})

test('the deadline may be short or long', () => {
  expect([4, 5].map((age) => latenessOf(age * MINUTE, 6 * MINUTE))).toEqual(['fine', 'overdue'])
  expect(latenessOf(500 * MINUTE, 24 * 60 * MINUTE)).toBe('late')
})
