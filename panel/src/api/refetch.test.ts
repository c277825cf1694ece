import { Client, fetchExchange, gql } from '@urql/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pipe, subscribe } from 'wonka'

import { cache } from './cache'
import { createRefetch } from './refetch'

/** A screen with one query, and each request of it, to be answered in its time. */
function screen() {
  const requests: { answer: (name: string) => void; lose: () => void }[] = []
  let shown: string | undefined
  const refetch = createRefetch()
  const client = new Client({
    url: 'http://gateway.example/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: () =>
      new Promise((resolve, reject) => {
        requests.push({
          answer(name) {
            const data = { volume: { __typename: 'Volume', id: '1', name } }
            resolve(new Response(JSON.stringify({ data }), { headers: { 'content-type': 'application/json' } }))
          },
          lose() {
            reject(new TypeError('Failed to fetch'))
          },
        })
      }),
    exchanges: [refetch.exchange, cache(), fetchExchange],
  })
  const query = gql('{ volume { __typename id name } }')
  pipe(
    client.query(query, {}),
    subscribe(({ data, error }) => {
      shown = error ? 'failed' : data?.volume.name
    }),
  )
  return {
    requests,
    shown: () => shown,
    refetchAll: async () => {
      refetch.all()
      await vi.advanceTimersByTimeAsync(1_000)
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('what is on the screen is asked again', async () => {
  const { requests, shown, refetchAll } = screen()
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  requests[0]?.answer('before')
  await vi.waitFor(() => expect(shown()).toBe('before'))
  await refetchAll()
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  requests[1]?.answer('after')
  await vi.waitFor(() => expect(shown()).toBe('after'))
})

test('what failed is asked again each time', async () => {
  const { requests, shown, refetchAll } = screen()
  for (const times of [1, 2, 3]) {
    await vi.waitFor(() => expect(requests).toHaveLength(times))
    requests[times - 1]?.lose()
    await vi.waitFor(() => expect(shown()).toBe('failed'))
    await refetchAll()
  }
  await vi.waitFor(() => expect(requests).toHaveLength(4))
  requests[3]?.answer('there at last')
  await vi.waitFor(() => expect(shown()).toBe('there at last'))
})

test('what happens while an answer is under way is asked for when that has come', async () => {
  const { requests, shown, refetchAll } = screen()
  await refetchAll()
  await refetchAll()
  expect(requests).toHaveLength(1)
  requests[0]?.answer('before')
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  requests[1]?.answer('after')
  await vi.waitFor(() => expect(shown()).toBe('after'))
  expect(requests).toHaveLength(2)
})

test('what was on the screen and could not be asked again is asked once more by itself', async () => {
  const { requests, shown, refetchAll } = screen()
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  requests[0]?.answer('before')
  await vi.waitFor(() => expect(shown()).toBe('before'))
  await refetchAll()
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  requests[1]?.lose()
  await vi.waitFor(() => expect(shown()).toBe('failed'))
  await vi.advanceTimersByTimeAsync(5_000)
  await vi.waitFor(() => expect(requests).toHaveLength(3))
  requests[2]?.answer('after')
  await vi.waitFor(() => expect(shown()).toBe('after'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(requests).toHaveLength(3)
})

test('a clock that is set back does not hold anything up', async () => {
  const { requests, shown, refetchAll } = screen()
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  requests[0]?.answer('before')
  await vi.waitFor(() => expect(shown()).toBe('before'))
  await refetchAll()
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  requests[1]?.answer('before')
  vi.setSystemTime(Date.now() - 3_600_000)
  await vi.advanceTimersByTimeAsync(0)
  await refetchAll()
  await vi.waitFor(() => expect(requests).toHaveLength(3))
})
