import { Client, gql, subscriptionExchange } from '@urql/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { follow } from './follow'

interface Sink {
  next: (result: { data?: object; errors?: object[] }) => void
  error: (errors: object[]) => void
}

/** Somebody who follows, and each stream that was begun. */
function follower() {
  const streams: { sink: Sink; ended: boolean }[] = []
  const events: number[] = []
  const onGap = vi.fn<() => void>()
  const client = new Client({
    url: 'http://gateway.example/graphql',
    preferGetMethod: false,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: () => ({
          subscribe: (sink) => {
            const stream = { sink: sink as Sink, ended: false }
            streams.push(stream)
            return {
              unsubscribe: () => {
                stream.ended = true
              },
            }
          },
        }),
      }),
    ],
  })
  const end = follow(client, gql<{ tick: number }>('subscription { tick }'), {}, { onEvent: ({ tick }) => events.push(tick), onGap })
  return { streams, events, onGap, end }
}

const refusal = (code: string) => [{ message: 'No.', extensions: { code } }]

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a stream that breaks off begins again, and says that something may be missing', async () => {
  const { streams, events, onGap, end } = follower()
  await vi.advanceTimersByTimeAsync(0)
  streams[0]?.sink.next({ data: { tick: 1 } })
  streams[0]?.sink.error(refusal('INTERNAL'))
  expect(events).toEqual([1])
  expect(onGap).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(streams).toHaveLength(2)
  expect(onGap).toHaveBeenCalledOnce()
  streams[1]?.sink.next({ data: { tick: 2 } })
  expect(events).toEqual([1, 2])
  end()
  await vi.advanceTimersByTimeAsync(0)
  expect(streams[1]?.ended).toBe(true)
})

test('one that breaks off again and again is tried less and less often', async () => {
  const { streams, end } = follower()
  for (let second = 0; second < 120; second++) {
    await vi.advanceTimersByTimeAsync(0)
    streams.at(-1)?.sink.error(refusal('INTERNAL'))
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(streams.length).toBeGreaterThan(5)
  expect(streams.length).toBeLessThan(12)
  end()
})

test.each(['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'])('after %s nothing is tried again', async (code) => {
  const { streams } = follower()
  await vi.advanceTimersByTimeAsync(0)
  streams[0]?.sink.error(refusal(code))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(streams).toHaveLength(1)
})

test('whoever stops listening is not begun for again', async () => {
  const { streams, end } = follower()
  await vi.advanceTimersByTimeAsync(0)
  streams[0]?.sink.error(refusal('INTERNAL'))
  end()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(streams).toHaveLength(1)
})
