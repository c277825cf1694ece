/** Keeps hypervisors current. What changes of one goes straight into the cache; a new one, and one that is gone, makes the page ask again. */

import { useApi } from '~/api/context'
import { useStream } from '~/api/use-stream'

import { HypervisorEvents } from './hypervisors-query'

/** `known` are those on the screen. */
export function useHypervisorEvents(known: readonly { id: string }[] | undefined): void {
  const { refetch } = useApi()
  useStream(HypervisorEvents, {}, ({ hypervisorEvents: { id, deletedAt } }) => {
    const isKnown = known?.some((one) => one.id === id)
    if (isKnown === (deletedAt !== null)) refetch()
  })
}
