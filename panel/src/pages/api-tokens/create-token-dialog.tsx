/** Makes an API token, and shows its secret, once. */

import { useState } from 'react'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { Button } from '~/parts/button'
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

type Lifetime = (typeof LIFETIMES)[number]['value']

export function CreateTokenDialog({ onClosed }: { onClosed: () => void }) {
  const { clock } = useApi()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateApiToken)
  const [name, setName] = useState('')
  const [lifetime, setLifetime] = useState<Lifetime>('90')
  const [secret, setSecret] = useState<string>()

  const create = async () => {
    if (secret !== undefined || name.trim() === '') return
    const expiresAt = lifetime === 'never' ? undefined : new Date(clock.now() + Number(lifetime) * DAY).toISOString()
    const done = await submit(() => ({ input: { name: name.trim(), expiresAt } }))
    if (done) setSecret(done.createApiToken.secret)
  }

  if (secret !== undefined) {
    return (
      <Dialog {...dialog.props} title={`The token ${name}`} description="Copy it now: it is shown this once and not kept." onSubmit={dialog.close} cancel="Close" actions={null}>
        <Secret label="Token" value={secret} />
      </Dialog>
    )
  }
  return (
    <Dialog
      {...dialog.props}
      title="Create an API token"
      description="Whoever has it can do what you can. Give each program one of its own."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={name.trim() === '' ? 'Name the token first.' : null}>
          Create token
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <TextField label="Name" value={name} onChange={setName} maxLength={128} placeholder="nightly-backups" required />
      <SelectField label="Ends after" value={lifetime} onChange={setLifetime} options={LIFETIMES} />
    </Dialog>
  )
}
