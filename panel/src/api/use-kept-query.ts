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
  // What comes with an error may have null for what is there.
  const isWhole = result.data != null && !result.error
  if (isWhole && (result.data !== kept.data || key !== kept.key)) setKept({ key, data: result.data })
  const data = isWhole || kept.key !== key ? result.data : (kept.data ?? result.data)
  return [{ ...result, data }, ask]
}
