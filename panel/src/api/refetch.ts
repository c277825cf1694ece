/** An exchange that can ask all queries on the screen again, and keeps their old data meanwhile. */

import { type Exchange, type Operation } from '@urql/core'
import { pipe, tap } from 'wonka'

export interface Refetch {
  exchange: Exchange
  /** Asks every query on the screen again: now, or at most once in `GATHER` milliseconds. */
  all: () => void
}

const GATHER = 250

export function createRefetch(): Refetch {
  const active = new Map<number, Operation>()
  let again: (operation: Operation) => void = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = 0

  const run = () => {
    timer = undefined
    last = Date.now()
    for (const operation of active.values()) again(operation)
  }

  return {
    all() {
      timer ??= setTimeout(run, Math.max(0, last + GATHER - Date.now()))
    },
    exchange:
      ({ client, forward }) =>
      (operations) => {
        again = (operation) => {
          const context = { ...operation.context, requestPolicy: 'cache-and-network' as const }
          client.reexecuteOperation(client.createRequestOperation('query', operation, context))
        }
        return pipe(
          operations,
          tap((operation) => {
            if (operation.kind === 'query') active.set(operation.key, operation)
            else if (operation.kind === 'teardown') active.delete(operation.key)
          }),
          forward,
        )
      },
  }
}
