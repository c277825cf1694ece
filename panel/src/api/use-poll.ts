/** Asks a query again and again, for what has no stream of its own. */

import { useEffect, useEffectEvent } from 'react'
import type { UseQueryExecute, UseQueryState } from 'urql'

type Polled = readonly [Pick<UseQueryState, 'fetching' | 'stale'>, UseQueryExecute]

export function usePoll([result, ask]: Polled, every: number, active: boolean): void {
  const again = useEffectEvent(() => {
    // Of two under way at once, the older answer could be the last.
    if (!result.fetching && !result.stale) ask({ requestPolicy: 'network-only' })
  })
  useEffect(() => {
    if (!active) return
    const timer = setInterval(again, every)
    return () => clearInterval(timer)
  }, [active, every])
}
