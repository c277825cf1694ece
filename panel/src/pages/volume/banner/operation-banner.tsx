/** What holds the volume, how far it is, how it ended, and how long the volume rests. */

import { useState } from 'react'

import { useApi, useLinkState, useOperationsOf, useServerTime } from '~/api/context'
import type { OperationFacts } from '~/api/operation'
import { bannerState } from '~/lib/banner'
import type { Meter } from '~/lib/rate'

import type { VolumeDetail } from '../volume-query'

import { Announcer } from './announcer'
import { AskedBanner } from './asked-banner'
import { CooldownBanner } from './cooldown-banner'
import { EndedBanner } from './ended-banner'
import { RunningBanner } from './running-banner'

const DISMISSED = 'dismissed-operation'

export function OperationBanner({ volume, meter }: { volume: VolumeDetail; meter: Meter }) {
  const { operations } = useApi()
  const now = useServerTime('second')
  const linkLost = useLinkState() === 'lost'
  const [dismissed, setDismissed] = useState(() => sessionStorage.getItem(DISMISSED))
  const [followed, setFollowed] = useState<string | null>(null)
  const { asked, active = null, latest = null } = useOperationsOf(volume.id)
  if (active && active.id !== followed) setFollowed(active.id)
  const endsAt = volume.cooldown ? Date.parse(volume.cooldown.endsAt) : null
  const state = bannerState<OperationFacts>({
    asked,
    active,
    latest,
    cooldownEndsAt: endsAt,
    now,
    linkLost,
    silentFor: active ? operations.silence(active.id, linkLost) : 0,
    dismissed,
    followed,
  })
  const dismiss = (id: string) => {
    sessionStorage.setItem(DISMISSED, id)
    setDismissed(id)
  }

  return (
    <section aria-label="Current operation" className={state.kind === 'none' ? 'sr-only' : 'animate-banner pb-7'} key={state.kind === 'none' || state.kind === 'cooldown' ? state.kind : 'operation'}>
      <Announcer state={state} />
      {state.kind === 'asked' && <AskedBanner asked={state.asked} />}
      {(state.kind === 'queued' || state.kind === 'running') && (
        <RunningBanner key={state.operation.id} state={state} volume={volume} meter={meter} now={now} />
      )}
      {state.kind === 'ended' && (
        <EndedBanner operation={state.operation} volume={volume} endsAt={endsAt} now={now} onDismiss={() => dismiss(state.operation.id)} />
      )}
      {state.kind === 'cooldown' && endsAt !== null && <CooldownBanner endsAt={endsAt} now={now} />}
    </section>
  )
}
