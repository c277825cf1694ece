/** Asks a query again and again, for what has no stream of its own. */

import { useEffect, useEffectEvent } from 'react'
import type { UseQueryExecute } from 'urql'

export function usePoll(ask: UseQueryExecute, every: number, active: boolean): void {
  const again = useEffectEvent(() => ask({ requestPolicy: 'network-only' }))
  useEffect(() => {
    if (!active) return
    const timer = setInterval(again, every)
    return () => clearInterval(timer)
  }, [active, every])
}
