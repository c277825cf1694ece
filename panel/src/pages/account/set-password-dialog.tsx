/** Sets a user's password. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { passwordReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const SetPassword = graphql(`
  mutation SetPassword($input: SetPasswordInput!) {
    setPassword(input: $input) {
      user { id }
    }
  }
`)

const BOUND = bounds.SetPasswordInput.newPassword

interface SetPasswordDialogProps {
  user: { id: string; email: string }
  onClosed: () => void
}

export function SetPasswordDialog({ user, onClosed }: SetPasswordDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(SetPassword)
  const [password, setPassword] = useState('')
  const reason = passwordReason(password, BOUND)

  const set = async () => {
    if (reason) return
    if (await submit(() => ({ input: { userId: user.id, newPassword: password } }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={<>Set the password of <bdi>{user.email}</bdi></>}
      description="All its sessions end. Its API tokens stay."
      onSubmit={() => void set()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Set password
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField
        label="New password"
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        help={`At least ${BOUND.least} characters. Hand it over in private.`}
        required
      />
    </Dialog>
  )
}
