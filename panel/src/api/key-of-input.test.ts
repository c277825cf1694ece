import { expect, test } from 'vitest'

import { KeyOfInput } from './key-of-input'

const named = (name: string) => (idempotencyKey: string) => ({ input: { name, idempotencyKey } })

test('what is sent again has the same key, and what was changed another', () => {
  const keys = new KeyOfInput()
  const first = keys.give(named('monday'))
  expect(first.input.idempotencyKey).toMatch(/^[0-9a-f]{32}$/)
  expect(keys.give(named('monday'))).toEqual(first)
  const changed = keys.give(named('tuesday'))
  expect(changed.input.idempotencyKey).not.toBe(first.input.idempotencyKey)
  expect(keys.give(named('monday'))).toEqual(first)
})

test('what was refused gets another key', () => {
  const keys = new KeyOfInput()
  const { idempotencyKey } = keys.give(named('monday')).input
  keys.forget()
  expect(keys.give(named('monday')).input.idempotencyKey).not.toBe(idempotencyKey)
})
