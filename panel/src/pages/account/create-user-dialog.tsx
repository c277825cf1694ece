/** Creates a user of an account. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { placeErrors } from '~/lib/place-errors'
import { passwordReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { ChoiceCards } from '~/parts/choice-cards'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { ROLES } from './users-table'

const CreateUser = graphql(`
  mutation CreateUser($input: CreateUserInput!) {
    createUser(input: $input) {
      user { id email }
    }
  }
`)

const BOUND = bounds.CreateUserInput.password

interface CreateUserDialogProps {
  account: { id: string; name: string }
  onClosed: () => void
}

export function CreateUserDialog({ account, onClosed }: CreateUserDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateUser)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<'USER' | 'ADMIN'>('USER')
  const { at, rest } = placeErrors(failure, { email: /\bemail\b/ })
  const reason = email.trim() === '' ? 'Give an email address first.' : passwordReason(password, BOUND)

  const create = async () => {
    if (reason) return
    if (await submit(() => ({ input: { accountId: account.id, email: email.trim(), password, role } }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={<>Create a user of <bdi>{account.name}</bdi></>}
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create user
        </Button>
      }
    >
      <FailureNotice failure={rest} isAdmin />
      <TextField label="Email" type="email" value={email} onChange={setEmail} error={at.email} required />
      <TextField label="Password" type="password" autoComplete="new-password" value={password} onChange={setPassword} help={`At least ${BOUND.least} characters. Hand it over in private.`} required />
      <ChoiceCards name="Role" value={role} onChange={setRole} options={ROLES.map(({ value, label, detail }) => ({ value, title: label, text: `${detail}.` }))} />
    </Dialog>
  )
}
