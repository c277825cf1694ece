import { expect, test } from 'vitest'

import { confirmation } from './confirm-name'

test.each([
  ['', 'empty'],
  ['before', 'different'],
  ['Before-pg17-upgrade', 'almost'],
  ['before-pg17 -upgrade', 'almost'],
  ['before-pg17-upgrade ', 'same'],
  ['before-pg17-upgrade', 'same'],
])('"%s" is %s', (typed, expected) => {
  expect(confirmation(typed, 'before-pg17-upgrade')).toBe(expected)
})

test('however its letters are composed', () => {
  expect(confirmation('A\u0308rger', 'Ärger')).toBe('same')
  expect(confirmation('a\u0308rger', 'Ärger')).toBe('almost')
})
