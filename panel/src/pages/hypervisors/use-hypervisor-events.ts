/** Keeps hypervisors current. What changes of one goes straight into the cache; a new one makes the page ask again. */

import { useApi } from '~/api/context'
import { useStream } from '~/api/use-stream'

import { HypervisorEvents } from './hypervisors-query'

/** `known` are those on the screen. */
export function useHypervisorEvents(known: readonly { id: string }[] | undefined): void {
  const { refetch } = useApi()
  useStream(HypervisorEvents, {}, ({ hypervisorEvents: { id } }) => {
    if (known && !known.some((one) => one.id === id)) refetch()
  })
}
