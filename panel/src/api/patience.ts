/** How long an answer is waited for. */

/** Of what is answered at once. */
export const PATIENCE = 30_000
/** Of what the gateway itself waits for: it gives up earlier, and says so. */
export const LONG_PATIENCE = 600_000

/** A `fetch` that waits so long. */
export function fetchWithin(milliseconds: number): typeof fetch {
  return (input, init) => {
    const timeout = AbortSignal.timeout(milliseconds)
    return fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout })
  }
}
