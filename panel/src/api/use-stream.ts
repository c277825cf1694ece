/** Follows a subscription as long as the component is there: each event is seen, once. */

import type { AnyVariables, TypedDocumentNode } from '@urql/core'
import { useEffect, useEffectEvent } from 'react'
import { useClient } from 'urql'
import { pipe, subscribe } from 'wonka'

export function useStream<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvent: (data: Data) => void,
): void {
  const client = useClient()
  const handle = useEffectEvent(onEvent)
  const key = JSON.stringify(variables)
  useEffect(() => {
    const events = client.subscription(document, JSON.parse(key) as Variables)
    const { unsubscribe } = pipe(
      events,
      subscribe(({ data }) => {
        if (data) handle(data)
      }),
    )
    return unsubscribe
  }, [client, document, key])
}
