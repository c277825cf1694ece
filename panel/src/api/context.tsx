/** The API for all that is on the screen, and what hangs on it: the clock and the link. */

import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import { Provider } from 'urql'

import type { Api } from './client'
import type { LinkState } from './link'
import type { OfVolume } from './operations'
import { Ticker } from '~/lib/ticker'

const Context = createContext<Api | null>(null)

export function ApiProvider({ api, children }: { api: Api; children: ReactNode }) {
  return (
    <Context value={api}>
      <Provider value={api.client}>{children}</Provider>
    </Context>
  )
}

export function useApi(): Api {
  const api = use(Context)
  if (!api) throw new Error('useApi is for components below ApiProvider')
  return api
}

export function useLinkState(): LinkState {
  const { link } = useApi()
  return useSyncExternalStore(link.subscribe, () => link.state)
}

/** What there is to say of a volume's operations. */
export function useOperationsOf(volumeId: string): OfVolume {
  const { operations } = useApi()
  useSyncExternalStore(operations.subscribe, () => operations.version)
  return operations.of(volumeId)
}

const tickers = { second: new Ticker(1_000), halfMinute: new Ticker(30_000) }
const LENGTHS = { second: 1_000, halfMinute: 30_000 }

/** The server's time now; the component is drawn anew at each tick of it. */
export function useServerTime(tick: keyof typeof tickers): number {
  const { clock } = useApi()
  const length = LENGTHS[tick]
  // Rounded, since a snapshot has to stay the same until the next tick.
  useSyncExternalStore(tickers[tick].subscribe, () => Math.floor(Date.now() / length))
  return clock.now()
}
