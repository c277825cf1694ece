import { expect, test } from 'vitest'

import { formatDeadline, readDeadline } from './deadline'

test.each([
  ['2 h', 7200],
  ['90 min', 5400],
  ['1h30min', 5400],
  ['1.5 h', 5400],
  ['1 D', 86_400],
  ['600 s', 600],
  ['599 s', undefined],
  ['30 d', 2_592_000],
  ['31 d', undefined],
  ['', null],
  ['  ', null],
  ['2', undefined],
  ['two hours', undefined],
  ['0 h', undefined],
  ['-2 h', undefined],
  ['2 weeks', undefined],
])('"%s" is %s seconds', (text, seconds) => {
  expect(readDeadline(text)).toBe(seconds)
})

test('it is read as it is told', () => {
  expect(formatDeadline(null)).toBe('')
  expect(formatDeadline(7200)).toBe('2 h')
  for (const seconds of [600, 601, 3660, 5400, 86_400, 90_061]) expect(readDeadline(formatDeadline(seconds))).toBe(seconds)
})
