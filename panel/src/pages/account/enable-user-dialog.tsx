/** Lets a user sign in no longer, or again. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const DisableUser = graphql(`
  mutation DisableUser($input: DisableUserInput!) {
    disableUser(input: $input) {
      user { id disabledAt }
    }
  }
`)

const EnableUser = graphql(`
  mutation EnableUser($input: EnableUserInput!) {
    enableUser(input: $input) {
      user { id disabledAt }
    }
  }
`)

interface EnableUserDialogProps {
  user: { id: string; email: string }
  enable: boolean
  onClosed: () => void
}

export function EnableUserDialog({ user, enable, onClosed }: EnableUserDialogProps) {
  const dialog = useDialog(onClosed)
  const disabling = useSubmit(DisableUser)
  const enabling = useSubmit(EnableUser)
  const { pending, failure } = enable ? enabling : disabling
  const confirm = async () => {
    const variables = () => ({ input: { userId: user.id } })
    if (enable ? await enabling.submit(variables) : await disabling.submit(variables)) dialog.close()
  }
  return (
    <ConfirmDialog
      dialog={dialog.props}
      danger={!enable}
      title={<>{enable ? 'Enable' : 'Disable'} <bdi>{user.email}</bdi>?</>}
      action={enable ? 'Enable user' : 'Disable user'}
      pending={pending}
      failure={failure}
      onConfirm={() => void confirm()}
    >
      {enable
        ? 'It can sign in again, and its API tokens work again.'
        : 'Its sessions end, and its API tokens stop working, until it is enabled again. Operations that it started go on.'}
    </ConfirmDialog>
  )
}
