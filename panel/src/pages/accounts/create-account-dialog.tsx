/** Creates an account, and leads to its page, where its users are made. */

import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const CreateAccount = graphql(`
  mutation CreateAccount($input: CreateAccountInput!) {
    createAccount(input: $input) {
      account { id name }
    }
  }
`)

export function CreateAccountDialog({ onClosed }: { onClosed: () => void }) {
  const navigate = useNavigate()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateAccount)
  const [name, setName] = useState('')
  const reason = textReason(name, bounds.CreateAccountInput.name, 'Name the account first.')

  const create = async () => {
    if (reason) return
    const done = await submit(() => ({ input: { name: name.trim() } }))
    if (!done) return
    dialog.close()
    void navigate({ to: '/accounts/$accountId', params: { accountId: done.createAccount.account.id } })
  }

  return (
    <Dialog
      {...dialog.props}
      title="Create an account"
      description="It has no users at first. Create them on its page."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create account
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateAccountInput.name} placeholder="Northwind Trading" required />
    </Dialog>
  )
}
