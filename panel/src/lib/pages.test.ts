import { expect, test } from 'vitest'

import { counted, neighbours, pageArguments } from './pages'

test.each([
  [{}, { first: 25 }],
  [{ after: 'x' }, { first: 25, after: 'x' }],
  [{ before: 'x' }, { last: 25, before: 'x' }],
])('%j asks for %j', (cursors, expected) => {
  expect(pageArguments(cursors)).toEqual(expected)
})

test('a page in the middle has two neighbours', () => {
  const info = { hasNextPage: true, hasPreviousPage: true, startCursor: 'a', endCursor: 'z' }
  expect(neighbours(info)).toEqual({ previous: { before: 'a' }, next: { after: 'z' } })
})

test('an empty list has none', () => {
  const info = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }
  expect(neighbours(info)).toEqual({ previous: undefined, next: undefined })
})

test('one is counted as one', () => {
  expect([counted(1, 'volume'), counted(2, 'volume')]).toEqual(['1 volume', '2 volumes'])
})
