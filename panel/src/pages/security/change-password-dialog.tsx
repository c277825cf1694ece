/** Changes the viewer's own password. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { passwordReason } from '~/lib/text-bound'
import { toasts } from '~/lib/toasts'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const ChangePassword = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) {
      user { id }
    }
  }
`)

const BOUND = bounds.ChangePasswordInput.newPassword

export function ChangePasswordDialog({ onClosed }: { onClosed: () => void }) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(ChangePassword)
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const differs = again !== '' && again !== next
  const reason = current === '' ? 'Type your current password first.' : (passwordReason(next, BOUND) ?? (again === next ? null : 'Type the new password twice.'))

  const change = async () => {
    if (reason) return
    if (!(await submit(() => ({ input: { currentPassword: current, newPassword: next } })))) return
    toasts.add({ tone: 'ok', title: 'Your password is changed', detail: 'All your other sessions have ended.' })
    dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title="Change your password"
      description="All your other sessions end. This one and your API tokens stay."
      onSubmit={() => void change()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Change password
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <TextField label="Current password" type="password" autoComplete="current-password" value={current} onChange={setCurrent} required />
      <TextField label="New password" type="password" autoComplete="new-password" value={next} onChange={setNext} help={`At least ${BOUND.least} characters.`} required />
      <TextField
        label="New password again"
        type="password"
        autoComplete="new-password"
        value={again}
        onChange={setAgain}
        error={differs ? 'The two differ.' : undefined}
        required
      />
    </Dialog>
  )
}
