/**
 * The client of the API. Queries and mutations go over HTTP, subscriptions over the link. After a
 * mutation, and when the link begins to work, everything on the screen is asked anew: what a
 * change touches is for the gateway to say.
 */

import { Client, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core'

import { ServerClock } from '~/lib/server-clock'

import { cache } from './cache'
import { isSignedOut } from './failure'
import { forwardOnly } from './forward'
import { Link } from './link'
import { Operations } from './operations'
import { fetchWithin, PATIENCE } from './patience'
import { createRefetch } from './refetch'

export interface Api {
  client: Client
  link: Link
  clock: ServerClock
  /** What is known of operations. */
  operations: Operations
  /** Asks everything on the screen again. */
  refetch: () => void
}

/** `onSignedOut` is called when the API no longer knows who asks. */
export function createApi(onSignedOut: () => void): Api {
  const { host, protocol } = window.location
  const clock = new ServerClock()
  const operations = new Operations()
  const refetch = createRefetch()
  // Whether the session has ended is for a query to say.
  const link = new Link(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}/graphql/ws`, refetch.all)
  link.onConnected(refetch.all)

  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: { credentials: 'same-origin' },
    fetch: fetchWithin(PATIENCE),
    exchanges: [
      refetch.exchange,
      mapExchange({
        onResult(result) {
          if (result.operation.kind === 'mutation' && !result.error) refetch.all()
        },
        onError(error) {
          if (isSignedOut(error)) onSignedOut()
        },
      }),
      cache(),
      // Below the cache every answer is fresh.
      mapExchange({
        onResult({ data }) {
          const time: unknown = data?.serverTime ?? data?.volumeActivity?.serverTime
          if (typeof time === 'string') clock.learn(time)
        },
      }),
      forwardOnly(operations),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables, operationName, extensions }) => ({
          subscribe: (sink) => ({
            unsubscribe: link.client.subscribe({ query, variables, operationName, extensions }, sink),
          }),
        }),
      }),
    ],
  })
  return { client, link, clock, operations, refetch: refetch.all }
}
