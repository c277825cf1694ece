/** An exchange that can ask all queries on the screen again, and keeps their old data meanwhile. */

import { type Exchange, type Operation } from '@urql/core'
import { pipe, tap } from 'wonka'

export interface Refetch {
  exchange: Exchange
  /** Asks every query on the screen again: now, or at most once in `GATHER` milliseconds. */
  all: () => void
}

const GATHER = 250
/** What failed is asked again after so long: nothing else may happen that would have it asked. */
const RETRY = 5_000

export function createRefetch(): Refetch {
  const active = new Map<number, Operation>()
  const underWay = new Set<number>()
  /** Asked again while an answer was under way, which may be older than what happened. */
  const outdated = new Set<number>()
  /** There is something on the screen that was answered. */
  const answered = new Set<number>()
  let again: (operation: Operation) => void = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = 0

  const run = () => {
    timer = undefined
    last = Date.now()
    for (const operation of active.values()) {
      if (underWay.has(operation.key)) outdated.add(operation.key)
      else again(operation)
    }
  }

  const retry = (key: number) =>
    setTimeout(() => {
      const operation = active.get(key)
      if (operation && !underWay.has(key)) again(operation)
    }, RETRY)

  return {
    all() {
      timer ??= setTimeout(run, Math.min(GATHER, Math.max(0, last + GATHER - Date.now())))
    },
    exchange:
      ({ client, forward }) =>
      (operations) => {
        again = (operation) => {
          // The cache would hold back what it has nothing of since it failed.
          const context = { ...operation.context, requestPolicy: 'network-only' as const }
          client.reexecuteOperation(client.createRequestOperation('query', operation, context))
        }
        return pipe(
          operations,
          tap((operation) => {
            if (operation.kind === 'query') {
              active.set(operation.key, operation)
              underWay.add(operation.key)
            } else if (operation.kind === 'teardown') {
              active.delete(operation.key)
              underWay.delete(operation.key)
              outdated.delete(operation.key)
              answered.delete(operation.key)
            }
          }),
          forward,
          tap(({ operation: { key }, stale, error }) => {
            // A stale one is what the cache had: the answer follows.
            if (stale) return
            underWay.delete(key)
            const operation = active.get(key)
            if (!operation) return
            if (!error) answered.add(key)
            if (outdated.delete(key)) again(operation)
            else if (error?.networkError && answered.has(key)) retry(key)
          }),
        )
      },
  }
}
