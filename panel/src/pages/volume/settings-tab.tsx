/** The tab Settings: deleting the volume. */

import { Trash2 } from 'lucide-react'
import { useState } from 'react'

import { HOLDS, onlyCodes, reasonOf } from '~/lib/guards'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Card } from '~/parts/card'

import { DeleteVolumeDialog } from './dialogs/delete-volume-dialog'
import type { VolumeDetail } from './volume-query'

export function SettingsTab({ volume }: { volume: VolumeDetail }) {
  const [opened, setOpened] = useState(false)
  return (
    <Card>
      <div className="flex flex-wrap items-center justify-between gap-4 p-5">
        <div className="min-w-0 max-w-[40rem]">
          <h2 className="font-semibold">Delete this volume</h2>
          <p className="mt-1 text-small text-ink-2">
            The volume and all that is on it are removed for good. Its backups stay, and can be restored to a new volume.
          </p>
        </div>
        <Button icon={<Trash2 size={16} aria-hidden />} reason={deleteReason(volume)} onClick={() => setOpened(true)}>
          Delete volume…
        </Button>
      </div>
      {opened && <DeleteVolumeDialog volume={volume} onClosed={() => setOpened(false)} />}
    </Card>
  )
}

function deleteReason({ activeOperation, actions, attachedTo, usage }: VolumeDetail): string | null {
  if (activeOperation) return reasonOf(onlyCodes(actions.restoreInPlace.blockers, HOLDS), { now: 0 }) ?? 'Wait for the operation to finish.'
  if (attachedTo) return `It is attached to ${attachedTo.name}. Detach it first.`
  if (usage.snapshots > 0) return `It has ${counted(usage.snapshots, 'snapshot')}. Delete them first.`
  return null
}
