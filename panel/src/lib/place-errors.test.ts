import { expect, test } from 'vitest'

import { placeErrors } from './place-errors'

const refused = (message: string, code = 'INVALID_INPUT') => ({ code, message })
const PLACES = { path: 'qcow2File.path', email: /\bemail\b/ }

test('a refusal is said at the field that it names, in words that name no code', () => {
  const failure = refused('`qcow2File.path` is an absolute path without "..".')
  expect(placeErrors(failure, PLACES)).toEqual({ at: { path: 'It is an absolute path without "..".' }, rest: undefined })
  expect(placeErrors(refused('There is a user with this email already.'), PLACES).at.email).toBe('There is a user with this email already.')
})

test('what no field takes is for the form', () => {
  for (const failure of [refused('`cephRbd.pool` has 1 to 128 letters.'), refused('The email is locked.', 'FORBIDDEN')]) {
    expect(placeErrors(failure, PLACES)).toEqual({ at: {}, rest: failure })
  }
  expect(placeErrors(undefined, PLACES)).toEqual({ at: {}, rest: undefined })
})
