/**
 * Sends a mutation from a dialog. Each opening of the dialog has one idempotency key, so that a
 * second click or another try after a lost answer starts nothing twice.
 */

import type { AnyVariables, TypedDocumentNode } from '@urql/core'
import { useRef, useState } from 'react'
import { useClient } from 'urql'

import { type Failure, mutationFailureOf } from './failure'

export interface Submit<Data, Variables> {
  /** The data, or undefined when it failed or is under way already. What takes the key may be sent again. */
  submit: (variables: (key: string) => Variables) => Promise<Data | undefined>
  pending: boolean
  failure: Failure | undefined
}

export function useSubmit<Data, Variables extends AnyVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  /** Called with each failure, where no dialog shows it. */
  onFailure?: (failure: Failure) => void,
): Submit<Data, Variables> {
  const client = useClient()
  const key = useRef<string>(undefined)
  const busy = useRef(false)
  const [pending, setPending] = useState(false)
  const [failure, setFailure] = useState<Failure>()

  return {
    pending,
    failure,
    async submit(variables) {
      if (busy.current) return undefined
      busy.current = true
      setPending(true)
      setFailure(undefined)
      key.current ??= newKey()
      const offline = !navigator.onLine
      const { data, error } = await client.mutation(mutation, variables(key.current)).toPromise()
      busy.current = false
      setPending(false)
      if (error) {
        const found = mutationFailureOf(error, { offline, repeatable: variables.length > 0 })
        setFailure(found)
        onFailure?.(found)
        // What was refused was not started: the next try may differ, and then needs another key.
        if (error.graphQLErrors.length > 0) key.current = undefined
        return undefined
      }
      return data
    },
  }
}

/** randomUUID() is only there over HTTPS and on this machine; this is everywhere. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
