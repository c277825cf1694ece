/** Follows a subscription as long as the component is there: each event is seen, once. */

import type { AnyVariables, TypedDocumentNode } from '@urql/core'
import { useEffect, useEffectEvent } from 'react'
import { useClient } from 'urql'

import { useApi } from './context'
import { follow } from './follow'

export function useStream<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvent: (data: Data) => void,
): void {
  const client = useClient()
  const { refetch } = useApi()
  const handle = useEffectEvent(onEvent)
  const key = JSON.stringify(variables)
  useEffect(
    () => follow(client, document, JSON.parse(key) as Variables, { onEvent: handle, onGap: refetch }),
    [client, document, key, refetch],
  )
}
