import { expect, test } from 'vitest'

import { latenessOf } from './queue-age'

test('an operation is late after 30 minutes, and overdue near two hours', () => {
  const minutes = (count: number) => latenessOf(count * 60_000)
  expect([0, 30].map(minutes)).toEqual(['fine', 'fine'])
  expect([31, 99].map(minutes)).toEqual(['late', 'late'])
  expect([100, 119, 500].map(minutes)).toEqual(['overdue', 'overdue', 'overdue'])
})
