/** Changes what a user signs in with, and what it may do. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { useViewer } from '~/app/session'
import { placeErrors } from '~/lib/place-errors'
import { ChangeDialog } from '~/parts/change-dialog'
import { ChoiceCards } from '~/parts/choice-cards'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { type AccountUser, ROLES } from './users-table'

const UpdateUser = graphql(`
  mutation UpdateUser($input: UpdateUserInput!) {
    updateUser(input: $input) {
      user { id email role }
    }
  }
`)

interface ChangeUserDialogProps {
  user: AccountUser
  onClosed: () => void
}

export function ChangeUserDialog({ user, onClosed }: ChangeUserDialogProps) {
  const viewer = useViewer()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateUser)
  const [email, setEmail] = useState(user.email)
  const [role, setRole] = useState(user.role)
  const { at, rest } = placeErrors(failure, { email: /\bemail\b/ })
  const isViewer = user.id === viewer.user.id
  const changes = { email: email.trim() === user.email ? undefined : email.trim(), role: role === user.role ? undefined : role }
  const same = changes.email === undefined && changes.role === undefined
  const reason = email.trim() === '' ? 'Give an email address first.' : same ? 'Nothing has changed.' : null

  const save = async () => {
    if (await submit(() => ({ input: { userId: user.id, ...changes } }))) dialog.close()
  }

  return (
    <ChangeDialog dialog={dialog.props} name={user.email} pending={pending} failure={rest} reason={reason} onSave={() => void save()}>
      <TextField label="Email" type="email" value={email} onChange={setEmail} error={at.email} help="It signs in with this from now on." required />
      {isViewer ? (
        <p className="text-small text-ink-2">You can’t take the administrator’s role from yourself.</p>
      ) : (
        <ChoiceCards name="Role" value={role} onChange={setRole} options={ROLES.map(({ value, label, detail }) => ({ value, title: label, text: `${detail}.` }))} />
      )}
    </ChangeDialog>
  )
}
