import { CombinedError } from '@urql/core'
import { expect, test } from 'vitest'

import { failureOf, isSignedOut, mutationFailureOf } from './failure'

function refused(message: string, extensions: Record<string, unknown>) {
  return new CombinedError({ graphQLErrors: [{ message, extensions }] })
}

test('a refusal keeps the API’s words, its code and when it heals', () => {
  const availableAt = '2026-11-22T12:00:00.000Z'
  const error = refused('Volume is in cooldown. Try again in 5 seconds.', { code: 'VOLUME_IN_COOLDOWN', availableAt })
  expect(failureOf(error)).toMatchObject({
    code: 'VOLUME_IN_COOLDOWN',
    message: 'Volume is in cooldown. Try again in 5 seconds.',
    availableAt,
  })
})

test('an internal error tells the id by which the log knows it', () => {
  expect(failureOf(refused('Internal error. Trace id: abc-1', { code: 'INTERNAL' })).requestId).toBe('abc-1')
})

test('a request without an answer did not reach the server', () => {
  expect(failureOf(new CombinedError({ networkError: new TypeError('Failed to fetch') })).code).toBe('UNREACHABLE')
})

test('a mutation without an answer may have happened, unless there was no network when it was sent', () => {
  const error = new CombinedError({ networkError: new TypeError('Failed to fetch') })
  expect(mutationFailureOf(error, { offline: false, repeatable: true })).toMatchObject({ code: 'UNKNOWN_OUTCOME', repeatable: true })
  expect(mutationFailureOf(error, { offline: true }).code).toBe('UNREACHABLE')
})

test('a refused mutation did not happen, however it was sent', () => {
  const error = refused('Volume is busy with operation: backup', { code: 'VOLUME_BUSY' })
  for (const offline of [true, false]) expect(mutationFailureOf(error, { offline }).code).toBe('VOLUME_BUSY')
})

test('what was not answered in time may have happened', () => {
  const networkError = new DOMException('signal timed out', 'TimeoutError')
  expect(failureOf(new CombinedError({ networkError })).code).toBe('UNKNOWN_OUTCOME')
})

test('so may what a proxy gave up on', () => {
  const response = new Response(null, { status: 504 })
  expect(failureOf(new CombinedError({ networkError: new Error('no JSON'), response })).code).toBe('UNKNOWN_OUTCOME')
})

test('nobody is signed in, says the code or the status', () => {
  const response = new Response(null, { status: 401 })
  expect(isSignedOut(new CombinedError({ networkError: new Error('no JSON'), response }))).toBe(true)
  expect(isSignedOut(refused('Sign in first.', { code: 'UNAUTHENTICATED' }))).toBe(true)
  expect(isSignedOut(refused('Not yours.', { code: 'FORBIDDEN' }))).toBe(false)
  expect(isSignedOut(undefined)).toBe(false)
})
