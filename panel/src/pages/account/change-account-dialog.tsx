/** Changes what an account is called, and how much it may have. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { type AccountLimits, limitsInput, quotaDraftOf, quotaEffects } from '~/lib/quota-draft'
import { textReason } from '~/lib/text-bound'
import { ChangeDialog } from '~/parts/change-dialog'
import { Effects } from '~/parts/effects'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const UpdateAccount = graphql(`
  mutation UpdateAccount($input: UpdateAccountInput!) {
    updateAccount(input: $input) {
      account { id name volumeLimit volumeBytesLimit }
    }
  }
`)

const EMPTY = 'Empty: as the platform has it.'

interface ChangeAccountDialogProps {
  account: AccountLimits & { id: string; name: string; volumeCount: number; volumeBytes: number }
  onClosed: () => void
}

export function ChangeAccountDialog({ account, onClosed }: ChangeAccountDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateAccount)
  const [name, setName] = useState(account.name)
  const [draft, setDraft] = useState(() => quotaDraftOf(account))
  const limits = limitsInput(draft, account)
  const renamed = name.trim() !== account.name
  const same = !renamed && limits !== undefined && Object.keys(limits).length === 0
  const reason = textReason(name, bounds.UpdateAccountInput.name, 'Name the account first.') ?? (!limits ? 'Limits are numbers.' : same ? 'Nothing has changed.' : null)

  const save = async () => {
    if (await submit(() => ({ input: { accountId: account.id, name: renamed ? name.trim() : undefined, ...limits } }))) dialog.close()
  }

  return (
    <ChangeDialog dialog={dialog.props} name={account.name} description="What it has above a limit stays: it can’t add." pending={pending} failure={failure} reason={reason} onSave={() => void save()}>
      <TextField label="Name" value={name} onChange={setName} bound={bounds.UpdateAccountInput.name} required />
      <TextField
        label="Most volumes"
        optional
        value={draft.volumes}
        onChange={(volumes) => setDraft({ ...draft, volumes })}
        inputMode="numeric"
        className="max-w-28 nums"
        after="volumes"
        help={EMPTY}
      />
      <TextField
        label="Most storage"
        optional
        value={draft.gibibytes}
        onChange={(gibibytes) => setDraft({ ...draft, gibibytes })}
        inputMode="decimal"
        className="max-w-28 nums"
        after="GiB of all its volumes"
        help={EMPTY}
      />
      <Effects effects={quotaEffects(account, limits)} />
    </ChangeDialog>
  )
}
