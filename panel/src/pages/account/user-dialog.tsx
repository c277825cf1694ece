/** The dialog of each thing that can be done with a user. */

import { graphql } from '~/api/graphql'
import { RemoveDialog } from '~/pages/removal/remove-dialog'

import { ChangeUserDialog } from './change-user-dialog'
import { EnableUserDialog } from './enable-user-dialog'
import { EndSessionsDialog } from './end-sessions-dialog'
import { SetPasswordDialog } from './set-password-dialog'
import type { AccountUser, UserAction } from './users-table'

const DeleteUser = graphql(`
  mutation DeleteUser($input: DeleteUserInput!) {
    deleteUser(input: $input) {
      deletedUserId
    }
  }
`)

interface UserDialogProps {
  action: UserAction
  user: AccountUser
  onClosed: () => void
}

export function UserDialog({ action, user, onClosed }: UserDialogProps) {
  const props = { user, onClosed }
  switch (action) {
    case 'change':
      return <ChangeUserDialog {...props} />
    case 'password':
      return <SetPasswordDialog {...props} />
    case 'sessions':
      return <EndSessionsDialog {...props} />
    case 'disable':
    case 'enable':
      return <EnableUserDialog {...props} enable={action === 'enable'} />
    case 'delete': {
      const input = (confirmName: string) => ({ userId: user.id, confirmName })
      return (
        <RemoveDialog removal={{ noun: 'user', name: user.email, mutation: DeleteUser, input }} onClosed={onClosed}>
          {' can’t sign in any more, and its sessions and API tokens end. What it has started goes on.'}
        </RemoveDialog>
      )
    }
    default:
      return action satisfies never
  }
}
