/** An exchange that lets no operation go back: what comes from the gateway is corrected by what is known already. */

import type { Exchange } from '@urql/core'
import { pipe, tap } from 'wonka'

import type { Operations } from './operations'

/** It stands between the cache and the network. */
export function forwardOnly(operations: Operations): Exchange {
  return ({ forward }) =>
    (requests) => {
      const asked = new Map<number, number>()
      return pipe(
        requests,
        tap(({ key, kind }) => {
          if (kind === 'query') asked.set(key, operations.ask())
          if (kind === 'teardown') asked.delete(key)
        }),
        forward,
        tap(({ data, operation }) => {
          if (data) operations.read(data, asked.get(operation.key))
        }),
      )
    }
}
