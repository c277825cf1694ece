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

export interface VolumeActivity {
  /** When the last news came, in the server's time; undefined before the first. */
  heardAt: number | undefined
  /** When it last told of something else than that it is still there. */
  movedAt: number | undefined
  /** How fast the operation goes. */
  meter: Meter
}

type Activity = ResultOf<typeof VolumeActivitySubscription>['volumeActivity']

export function useVolumeActivity(volumeId: string): VolumeActivity {
  const { refetch, clock } = useApi()
  const isAdmin = useIsAdmin()
  const known = useRef('')
  const place = useRef('')
  const [activity, setActivity] = useState<VolumeActivity>({ heardAt: undefined, movedAt: undefined, meter: startMeter('') })

  useStream(VolumeActivitySubscription, { id: volumeId, isAdmin }, ({ volumeActivity: told }) => {
    const heardAt = clock.now()
    const { operation } = told
    const facts = factsOf(told)
    const reached = `${facts} ${operation?.progress.bytesDone}`
    const isNew = reached !== place.current
    place.current = reached
    setActivity(({ movedAt, meter }) => ({
      heardAt,
      movedAt: isNew ? heardAt : movedAt,
      meter: operation ? measure(meter, operation.id, { at: heardAt, bytes: operation.progress.bytesDone }) : meter,
    }))
    const isProgress = facts === known.current && operation?.status === 'STARTED'
    known.current = facts
    if (!isProgress) refetch()
  })

  return activity
}

/** All that is told but the progress. */
function factsOf({ operation, volume, cooldown }: Activity): string {
  return JSON.stringify([operation?.id, operation?.status, operation?.progress.phase, volume, cooldown])
}
