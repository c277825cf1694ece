/** Follows a subscription for as long as somebody listens. One that breaks off begins again: on the screen nobody would see that it is over. */

import type { AnyVariables, Client, TypedDocumentNode } from '@urql/core'
import { pipe, subscribe } from 'wonka'

import { failureOf } from './failure'

interface Listener<Data> {
  onEvent: (data: Data) => void
  /** It begins again: of what happened meanwhile, nothing is told. */
  onGap: () => void
}

const FIRST_PAUSE = 1_000
const LAST_PAUSE = 30_000

/** What is asked of is not there, or not for who asks: another time it would not be either. */
const FINAL = ['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND']

/** Gives what ends it. */
export function follow<Data, Variables extends AnyVariables>(
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { onEvent, onGap }: Listener<Data>,
): () => void {
  let end: () => void = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  let pause = FIRST_PAUSE

  const begin = () => {
    let broken = false
    const stream = pipe(
      client.subscription(document, variables),
      subscribe(({ data, error }) => {
        // With an error the last event comes again.
        if (data && !error) {
          pause = FIRST_PAUSE
          onEvent(data)
        }
        if (!error || broken || FINAL.includes(failureOf(error).code)) return
        broken = true
        timer = setTimeout(() => {
          end()
          begin()
          onGap()
        }, pause)
        pause = Math.min(pause * 2, LAST_PAUSE)
      }),
    )
    end = stream.unsubscribe
  }

  begin()
  return () => {
    clearTimeout(timer)
    end()
  }
}
