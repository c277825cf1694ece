/** The tab Settings: what the volume is called, its plan, and how it ends. */

import { useNavigate } from '@tanstack/react-router'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'

import { useIsAdmin } from '~/app/session'
import { HOLDS, onlyCodes, reasonOf } from '~/lib/guards'
import { isolate } from '~/lib/isolate'
import { counted } from '~/lib/pages'
import { WriteOffRow } from '~/pages/removal/removal-rows'
import { WriteOffDialog } from '~/pages/removal/write-off-dialog'
import { ActionRow, ActionRows } from '~/parts/action-rows'
import { Button } from '~/parts/button'

import { DeleteVolumeDialog } from './dialogs/delete-volume-dialog'
import { MovePlanDialog } from './dialogs/move-plan-dialog'
import { NameForm } from './name-form'
import type { VolumeDetail } from './volume-query'

export function SettingsTab({ volume }: { volume: VolumeDetail }) {
  const navigate = useNavigate()
  const isAdmin = useIsAdmin()
  const [opened, setOpened] = useState<'delete' | 'move' | 'writeOff'>()
  const close = () => setOpened(undefined)
  return (
    <div className="flex flex-col gap-5">
      <NameForm volume={volume} />
      <ActionRows label="Remove or move">
        {isAdmin && (
          <ActionRow title="Move to another plan" action={<Button onClick={() => setOpened('move')}>Move…</Button>}>
            Its plan is <bdi>{volume.plan.name}</bdi>. Another of its size and storage has other caps and prices, for its backups too.
          </ActionRow>
        )}
        <ActionRow
          title="Delete this volume"
          action={
            <Button icon={<Trash2 size={16} aria-hidden />} reason={deleteReason(volume)} onClick={() => setOpened('delete')}>
              Delete volume…
            </Button>
          }
        >
          The volume and all that is on it are removed for good. Its backups stay, and can be restored to a new volume.
        </ActionRow>
        {isAdmin && <WriteOffRow noun="volume" onOpen={() => setOpened('writeOff')} />}
      </ActionRows>
      {opened === 'move' && <MovePlanDialog volume={volume} onClosed={close} />}
      {opened === 'delete' && <DeleteVolumeDialog volume={volume} onClosed={close} />}
      {opened === 'writeOff' && (
        <WriteOffDialog
          noun="volume"
          name={volume.name}
          target={{ volumeId: volume.id }}
          about="Its snapshots end with it; its backups stay."
          onGone={() => void navigate({ to: '/volumes' })}
          onClosed={close}
        />
      )}
    </div>
  )
}

function deleteReason({ activeOperation, actions, attachedTo, usage }: VolumeDetail): string | null {
  if (activeOperation) return reasonOf(onlyCodes(actions.restoreInPlace.blockers, HOLDS), { now: 0 }) ?? 'Wait for the operation to finish.'
  if (attachedTo) return `It is attached to ${isolate(attachedTo.name)}. Detach it first.`
  if (usage.snapshots > 0) return `It has ${counted(usage.snapshots, 'snapshot')}. Delete them first.`
  return null
}
