/** What a query asks for, once it is there; before, its shape, and where it failed, that. */

import type { ReactNode } from 'react'
import type { UseQueryExecute, UseQueryState } from 'urql'

import { failureOf } from '~/api/failure'

import { ErrorState } from './error-state'
import { NotFoundPage } from './page-error'

interface LoadedProps<Data, Wanted> {
  result: UseQueryState<Data>
  ask: UseQueryExecute
  /** What of the data is wanted: null where there is no such thing. */
  pick: (data: Data) => Wanted | null | undefined
  /** What it is called: "list", "hypervisor". */
  what: string
  skeleton: ReactNode
  children: (wanted: Wanted) => ReactNode
}

export function Loaded<Data, Wanted>({ result: { data, error, fetching }, ask, pick, what, skeleton, children }: LoadedProps<Data, Wanted>) {
  const wanted = data && pick(data)
  if (wanted) return children(wanted)
  if (error && !fetching) {
    const failure = failureOf(error)
    if (failure.code === 'NOT_FOUND' || failure.code === 'INVALID_INPUT') return <NotFoundPage what={what} />
    return <ErrorState what={what} {...failure} onRetry={() => ask({ requestPolicy: 'network-only' })} />
  }
  return data && !fetching ? <NotFoundPage what={what} /> : skeleton
}
