/**
 * Follows a volume. Progress goes straight into the cache; whatever else changes makes the page
 * ask again, for rules and lists are the gateway's to tell.
 */

import { useRef, useState } from 'react'

import { useApi } from '~/api/context'
import type { ResultOf } from '~/api/graphql'
import { useStream } from '~/api/use-stream'
import { useIsAdmin } from '~/app/session'
import { type Meter, measure, startMeter } from '~/lib/rate'

import { VolumeActivitySubscription } from './volume-query'

type Activity = ResultOf<typeof VolumeActivitySubscription>['volumeActivity']

/** Gives how fast the operation goes. */
export function useVolumeActivity(volumeId: string): Meter {
  const { refetch, clock } = useApi()
  const isAdmin = useIsAdmin()
  const known = useRef('')
  const [meter, setMeter] = useState(() => startMeter(''))

  useStream(VolumeActivitySubscription, { id: volumeId, isAdmin }, ({ volumeActivity: told }) => {
    const at = clock.now()
    const { operation } = told
    if (operation) setMeter((before) => measure(before, operation.id, { at, bytes: operation.progress.bytesDone }))
    const facts = factsOf(told)
    const isProgress = facts === known.current && operation?.status === 'STARTED'
    known.current = facts
    if (!isProgress) refetch()
  })

  return meter
}

/** All that is told but the progress. */
function factsOf({ operation, volume, cooldown }: Activity): string {
  return JSON.stringify([operation?.id, operation?.status, operation?.progress.phase, volume, cooldown])
}
