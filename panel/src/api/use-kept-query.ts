/** A query whose data stays on the screen while it is asked again, and when that fails. */

import type { AnyVariables } from '@urql/core'
import { useState } from 'react'
import { useQuery, type UseQueryArgs, type UseQueryResponse } from 'urql'

type Args<Data, Variables extends AnyVariables> = UseQueryArgs<Variables, Data> & {
  /** With other variables too, the old data stays until the new is there: the next page of a list. */
  acrossVariables?: boolean
}

export function useKeptQuery<Data, Variables extends AnyVariables>(args: Args<Data, Variables>): UseQueryResponse<Data, Variables> {
  const [result, ask] = useQuery<Data, Variables>(args)
  const key = args.acrossVariables ? '' : JSON.stringify(args.variables)
  const [kept, setKept] = useState<{ key: string; data: Data | undefined }>({ key, data: result.data })
  // A refused query has null for its data.
  if (result.data != null && (result.data !== kept.data || key !== kept.key)) setKept({ key, data: result.data })
  const data = result.data ?? (kept.key === key ? kept.data : undefined)
  return [{ ...result, data }, ask]
}
