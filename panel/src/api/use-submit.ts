/**
 * Sends a mutation from a dialog. An idempotency key belongs to what is sent: a second click, or another try after a lost
 * answer, starts nothing twice, and a form that was changed meanwhile gets a key of its own. Of a dialog that is gone when
 * the answer comes, a failure is told by a toast, and nothing else follows.
 */

import type { AnyVariables, TypedDocumentNode } from '@urql/core'
import { useEffect, useRef, useState } from 'react'
import { useClient } from 'urql'

import { toasts } from '~/lib/toasts'

import { type Failure, mutationFailureOf } from './failure'
import { KeyOfInput } from './key-of-input'
import { fetchWithin } from './patience'

/** What a mutation gives: its payload may be null for the schema, and is there where there was no error. */
type Done<Data> = { [Field in keyof Data]: NonNullable<Data[Field]> }

export interface Submit<Data, Variables> {
  /** The data, or undefined when it failed, is under way already, or nobody waits for it any more. What takes the key may be sent again. */
  submit: (variables: (key: string) => Variables) => Promise<Done<Data> | undefined>
  pending: boolean
  failure: Failure | undefined
}

interface Options {
  /** Called with each failure, where no dialog shows it. */
  onFailure?: (failure: Failure) => void
  /** How long the answer is waited for, in milliseconds, if longer than usual. */
  patience?: number
}

export function useSubmit<Data, Variables extends AnyVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  { onFailure, patience }: Options = {},
): Submit<Data, Variables> {
  const client = useClient()
  const keys = useRef(new KeyOfInput())
  const busy = useRef(false)
  const gone = useRef(false)
  const [pending, setPending] = useState(false)
  const [failure, setFailure] = useState<Failure>()

  useEffect(() => {
    gone.current = false
    return () => {
      gone.current = true
    }
  }, [])

  return {
    pending,
    failure,
    async submit(variables) {
      if (busy.current) return undefined
      busy.current = true
      setPending(true)
      setFailure(undefined)
      const offline = !navigator.onLine
      const context = patience === undefined ? {} : { fetch: fetchWithin(patience) }
      const { data, error } = await client.mutation(mutation, keys.current.give(variables), context).toPromise()
      busy.current = false
      setPending(false)
      if (error) {
        const found = mutationFailureOf(error, { offline, repeatable: variables.length > 0 })
        setFailure(found)
        if (onFailure) onFailure(found)
        else if (gone.current) toasts.add({ tone: 'bad', title: 'Your request failed', detail: found.message })
        // What was refused was not started: the next try may differ, and then needs another key.
        if (error.graphQLErrors.length > 0) keys.current.forget()
        return undefined
      }
      return gone.current ? undefined : (data as Done<Data> | undefined)
    },
  }
}
