/** What holds the volume, how far it is, how it ended, and how long the volume rests. */

import { useState } from 'react'

import { useLinkState, useServerTime } from '~/api/context'
import { bannerState } from '~/lib/banner'

import type { OperationOnBanner, VolumeDetail } from '../volume-query'
import type { VolumeActivity } from '../use-volume-activity'

import { Announcer } from './announcer'
import { CooldownBanner } from './cooldown-banner'
import { EndedBanner } from './ended-banner'
import { RunningBanner } from './running-banner'

const DISMISSED = 'dismissed-operation'

export function OperationBanner({ volume, activity }: { volume: VolumeDetail; activity: VolumeActivity }) {
  const now = useServerTime('second')
  const linkLost = useLinkState() === 'lost'
  const [dismissed, setDismissed] = useState(() => sessionStorage.getItem(DISMISSED))
  // A lost link is silent; over one that works, an agent may tell again and again of the same byte.
  const lastNews = linkLost ? activity.heardAt : activity.movedAt
  const endsAt = volume.cooldown ? Date.parse(volume.cooldown.endsAt) : null
  const state = bannerState<OperationOnBanner>({
    active: volume.activeOperation,
    latest: volume.operations.nodes[0] ?? null,
    cooldownEndsAt: endsAt,
    now,
    linkLost,
    silentFor: lastNews === undefined ? 0 : now - lastNews,
    dismissed,
  })
  const dismiss = (id: string) => {
    sessionStorage.setItem(DISMISSED, id)
    setDismissed(id)
  }

  return (
    <section aria-label="Current operation" className={state.kind === 'none' ? 'sr-only' : 'animate-banner pb-7'} key={state.kind === 'queued' ? 'running' : state.kind}>
      <Announcer state={state} />
      {(state.kind === 'queued' || state.kind === 'running') && (
        <RunningBanner key={state.operation.id} state={state} volume={volume} meter={activity.meter} now={now} />
      )}
      {state.kind === 'ended' && (
        <EndedBanner operation={state.operation} volume={volume} endsAt={endsAt} now={now} onDismiss={() => dismiss(state.operation.id)} />
      )}
      {state.kind === 'cooldown' && endsAt !== null && <CooldownBanner endsAt={endsAt} now={now} />}
    </section>
  )
}
