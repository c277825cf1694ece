/** What went wrong with a request, in the terms that screens need. */

import type { CombinedError } from '@urql/core'

export interface Failure {
  /** `extensions.code` of the API, or how the request itself failed. */
  code: string
  /** The API's own words, or ours where there was no answer. */
  message: string
  /** When time will have healed it, where the API knows. */
  availableAt?: string
  /** The id by which the server's log knows the request. */
  requestId?: string
  /** The mutation has an idempotency key: sent again, it starts nothing twice. */
  repeatable?: boolean
}

export function failureOf(error: CombinedError): Failure {
  const [first] = error.graphQLErrors
  if (first) {
    const { code, availableAt } = first.extensions as { code?: string; availableAt?: string }
    const requestId = /Trace id: (\S+)/.exec(first.message)?.[1]
    return { code: code ?? 'INTERNAL', message: first.message, availableAt, requestId }
  }
  const response = error.response as Response | undefined
  const requestId = response?.headers?.get('x-request-id') ?? undefined
  if (response?.status === 401) return { code: 'UNAUTHENTICATED', message: 'You are signed out.', requestId }
  if (isTimeout(error.networkError)) return { code: 'UNKNOWN_OUTCOME', message: 'No answer in time.', requestId }
  if (response && response.status >= 500) {
    return { code: 'UNKNOWN_OUTCOME', message: `The server answered with status ${response.status}.`, requestId }
  }
  return { code: 'UNREACHABLE', message: 'The request did not reach the server.', requestId }
}

/**
 * The same of a mutation. A browser does not tell a request that was not sent from one whose answer was lost: that
 * nothing was started is known only where there was no network when it was sent.
 */
export function mutationFailureOf(error: CombinedError, { offline, repeatable = false }: { offline: boolean; repeatable?: boolean }): Failure {
  const failure = failureOf(error)
  if (failure.code !== 'UNREACHABLE' || offline) return { ...failure, repeatable }
  return { ...failure, code: 'UNKNOWN_OUTCOME', message: 'The server did not answer.', repeatable }
}

/** Whether the caller is signed out. */
export function isSignedOut(error: CombinedError | undefined): boolean {
  return error !== undefined && failureOf(error).code === 'UNAUTHENTICATED'
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}
