/** Deletes a volume, once its name is typed. */

import { useNavigate } from '@tanstack/react-router'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { DeleteDialog } from '~/parts/delete-dialog'
import { useDialog } from '~/parts/use-dialog'

const DeleteVolume = graphql(
  `
    mutation DeleteVolume($input: DeleteVolumeInput!, $isAdmin: Boolean!) {
      deleteVolume(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

interface DeleteVolumeDialogProps {
  volume: { id: string; name: string; sizeBytes: number }
  onClosed: () => void
}

export function DeleteVolumeDialog({ volume, onClosed }: DeleteVolumeDialogProps) {
  const navigate = useNavigate()
  const { operations } = useApi()
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(DeleteVolume)
  const remove = async (typed: string) => {
    const answered = operations.expect(volume.id, { kind: 'DELETE_VOLUME', subjectName: volume.name })
    const done = await submit((idempotencyKey) => ({ input: { volumeId: volume.id, confirmName: typed, idempotencyKey }, isAdmin }))
    answered()
    if (done) void navigate({ to: '/volumes' })
  }
  return (
    <DeleteDialog dialog={dialog.props} noun="volume" name={volume.name} pending={pending} failure={failure} onConfirm={(typed) => void remove(typed)}>
      {` (${formatBytes(volume.sizeBytes)}) and all that is on it are removed and can’t be brought back. Its backups stay, and can be restored to a new volume.`}
    </DeleteDialog>
  )
}
