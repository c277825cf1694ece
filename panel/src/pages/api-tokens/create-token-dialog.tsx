/** Makes an API token, and shows its secret, once. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { ChoiceCards } from '~/parts/choice-cards'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Secret } from '~/parts/secret'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const CreateApiToken = graphql(`
  mutation CreateApiToken($input: CreateApiTokenInput!) {
    createApiToken(input: $input) {
      apiToken { id name }
      secret
    }
  }
`)

const DAY = 24 * 3_600_000
const LIFETIMES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'never', label: 'Never' },
] as const

export const SCOPES = [
  { value: 'FULL', title: 'Full', text: 'It can do all that you can do.' },
  { value: 'READ_ONLY', title: 'Read only', text: 'It reads what you can read, and changes nothing.' },
] as const

type Lifetime = (typeof LIFETIMES)[number]['value']

export function CreateTokenDialog({ onClosed }: { onClosed: () => void }) {
  const { clock } = useApi()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateApiToken)
  const [name, setName] = useState('')
  const [scope, setScope] = useState<(typeof SCOPES)[number]['value']>('FULL')
  const [lifetime, setLifetime] = useState<Lifetime>('90')
  const [secret, setSecret] = useState<string>()

  const reason = textReason(name, bounds.CreateApiTokenInput.name, 'Name the token first.')

  const create = async () => {
    if (secret !== undefined || reason) return
    const expiresAt = lifetime === 'never' ? undefined : new Date(clock.now() + Number(lifetime) * DAY).toISOString()
    const done = await submit(() => ({ input: { name: name.trim(), scope, expiresAt } }))
    if (done) setSecret(done.createApiToken?.secret)
  }

  if (secret !== undefined) {
    return (
      <Dialog {...dialog.props} keep title={<>The token <bdi>{name}</bdi></>} description="Copy it now: it is shown this once and not kept." onSubmit={dialog.close} cancel="Close" actions={null}>
        <Secret label="Token" value={secret} />
      </Dialog>
    )
  }
  return (
    <Dialog
      {...dialog.props}
      hold={pending}
      title="Create an API token"
      description="Whoever has it acts in your name. Give each program one of its own."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create token
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateApiTokenInput.name} placeholder="nightly-backups" required />
      <ChoiceCards name="Scope" value={scope} onChange={setScope} options={SCOPES} />
      <SelectField label="Ends after" value={lifetime} onChange={setLifetime} options={LIFETIMES} />
    </Dialog>
  )
}
