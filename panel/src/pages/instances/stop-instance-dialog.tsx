/** Stops an instance. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const StopInstance = graphql(`
  mutation StopInstance($input: StopInstanceInput!) {
    stopInstance(input: $input) {
      instance { id status }
    }
  }
`)

interface StopInstanceDialogProps {
  instance: { id: string; name: string }
  onClosed: () => void
}

export function StopInstanceDialog({ instance, onClosed }: StopInstanceDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(StopInstance)
  const confirm = async () => {
    if (await submit(() => ({ input: { instanceId: instance.id } }))) dialog.close()
  }
  return (
    <ConfirmDialog dialog={dialog.props} title={<>Stop <bdi>{instance.name}</bdi>?</>} action="Stop instance" pending={pending} failure={failure} onConfirm={() => void confirm()}>
      What runs on it ends. Its volumes stay attached, and it can be started again at any time.
    </ConfirmDialog>
  )
}
