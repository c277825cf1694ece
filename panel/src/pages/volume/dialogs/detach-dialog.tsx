/** Detaches a volume from its instance. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const DetachVolume = graphql(`
  mutation DetachVolume($input: DetachVolumeInput!) {
    detachVolume(input: $input) {
      volume { id }
    }
  }
`)

interface DetachDialogProps {
  volume: { id: string; name: string }
  instance: { name: string; status: string }
  onClosed: () => void
}

export function DetachDialog({ volume, instance, onClosed }: DetachDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(DetachVolume)
  const confirm = async () => {
    if (await submit(() => ({ input: { volumeId: volume.id } }))) dialog.close()
  }
  return (
    <ConfirmDialog dialog={dialog.props} title={<>Detach <bdi>{volume.name}</bdi>?</>} action="Detach volume" pending={pending} failure={failure} onConfirm={() => void confirm()}>
      <bdi>{instance.name}</bdi>
      {instance.status === 'RUNNING'
        ? ' is running and loses the disk at once. Unmount it there first, or what was not written yet is lost.'
        : ' no longer has this disk when it is started. It can be attached again at any time.'}
    </ConfirmDialog>
  )
}
