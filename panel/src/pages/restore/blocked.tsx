/** What stands in the way of a restore, and the ways out. */

import { Unplug } from 'lucide-react'
import { useState } from 'react'

import type { Blocker } from '~/lib/guards'
import { StopInstanceDialog } from '~/pages/instances/stop-instance-dialog'
import { DetachDialog } from '~/pages/volume/dialogs/detach-dialog'
import { Button } from '~/parts/button'
import { Notice } from '~/parts/notice'
import { Sentence } from '~/parts/sentence'

import type { RestoreOptions } from './restore-query'

interface BlockedProps {
  blockers: readonly Blocker[]
  /** The first of them, in a sentence. */
  reason: string | null
  volume: NonNullable<RestoreOptions['volume']> | undefined
  onNewVolume: () => void
}

export function Blocked({ blockers, reason, volume, onNewVolume }: BlockedProps) {
  const [opened, setOpened] = useState<'stop' | 'detach'>()
  const instance = volume?.attachedTo
  const attached = blockers.find((blocker) => blocker.code === 'VOLUME_ATTACHED_TO_RUNNING_INSTANCE')
  const dialogs = volume && instance && (
    <>
      {opened === 'stop' && <StopInstanceDialog instance={instance} onClosed={() => setOpened(undefined)} />}
      {opened === 'detach' && <DetachDialog volume={volume} instance={instance} onClosed={() => setOpened(undefined)} />}
    </>
  )
  // The dialogs stay until they have closed, though what they did has healed it.
  if (!attached || !volume || !instance) {
    return (
      <>
        {reason && <Notice tone="warn" title={<Sentence>{reason}</Sentence>} />}
        {dialogs}
      </>
    )
  }
  return (
    <>
      <Notice
        tone="warn"
        icon={<Unplug size={16} />}
        actions={
          <>
            <Button size="small" onClick={() => setOpened('stop')}>
              <span>
                Stop <bdi>{instance.name}</bdi>…
              </span>
            </Button>
            <Button size="small" onClick={() => setOpened('detach')}>
              Detach volume…
            </Button>
            <Button size="small" kind="quiet" onClick={onNewVolume}>
              Restore to a new volume
            </Button>
          </>
        }
      >
        <span className="font-medium text-ink">
          <bdi>{volume.name}</bdi> is attached to <bdi>{instance.name}</bdi>, which is running.
        </span>{' '}
        Rolling back under a live file system would corrupt it. Stop the instance or detach the volume, then come back.
      </Notice>
      {dialogs}
    </>
  )
}
