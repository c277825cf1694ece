/** Deletes a volume, once its name is typed. */

import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { formatBytes } from '~/lib/bytes'
import { confirmation } from '~/lib/confirm-name'
import { Button } from '~/parts/button'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { useDialog } from '~/parts/use-dialog'

const DeleteVolume = graphql(`
  mutation DeleteVolume($input: DeleteVolumeInput!) {
    deleteVolume(input: $input) {
      volume { id status }
      operation { id status }
    }
  }
`)

interface DeleteVolumeDialogProps {
  volume: { id: string; name: string; sizeBytes: number }
  onClosed: () => void
}

export function DeleteVolumeDialog({ volume, onClosed }: DeleteVolumeDialogProps) {
  const navigate = useNavigate()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(DeleteVolume)
  const [typed, setTyped] = useState('')
  const matches = confirmation(typed, volume.name) === 'same'
  const remove = async () => {
    if (!matches) return
    const done = await submit((idempotencyKey) => ({ input: { volumeId: volume.id, confirmName: typed, idempotencyKey } }))
    if (done) void navigate({ to: '/volumes' })
  }
  return (
    <Dialog
      {...dialog.props}
      alert
      title="Delete this volume?"
      description={
        <>
          <span className="font-medium text-ink">{volume.name}</span>
          {` (${formatBytes(volume.sizeBytes)}) and all that is on it are removed and can’t be brought back. Its backups stay, and can be restored to a new volume.`}
        </>
      }
      onSubmit={() => void remove()}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={matches ? null : 'Type the volume’s name first.'}>
          Delete volume
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <ConfirmName name={volume.name} typed={typed} onType={setTyped} />
    </Dialog>
  )
}
