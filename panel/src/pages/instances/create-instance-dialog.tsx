/** Creates an instance, for an account and on a hypervisor. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { readCredits } from '~/lib/plan-draft'
import { textReason } from '~/lib/text-bound'
import { useFirst } from '~/lib/use-first'
import { useAccountNames } from '~/pages/accounts/use-account-names'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const InstancePlaces = graphql(`
  query InstancePlaces {
    hypervisors { id name group { id name } }
  }
`)

const CreateInstance = graphql(`
  mutation CreateInstance($input: CreateInstanceInput!) {
    createInstance(input: $input) {
      instance { id name }
    }
  }
`)

interface CreateInstanceDialogProps {
  /** The account that is chosen at first. */
  accountId?: string
  onClosed: () => void
}

export function CreateInstanceDialog({ accountId, onClosed }: CreateInstanceDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateInstance)
  const [{ data }] = useKeptQuery({ query: InstancePlaces })
  const [name, setName] = useState('')
  const [chosenAccount, setAccount] = useState(accountId)
  const [chosenHost, setHost] = useState<string>()
  const [credits, setCredits] = useState('0')
  const [socket, setSocket] = useState('')
  const { accounts, complete } = useAccountNames()
  const account = accounts.find((one) => one.id === chosenAccount) ?? (complete ? accounts[0] : undefined)
  const firstHost = useFirst(data?.hypervisors[0]?.id)
  const host = data?.hypervisors.find((one) => one.id === (chosenHost ?? firstHost)) ?? data?.hypervisors[0]
  const creditsPerHour = readCredits(credits)
  const reason = textReason(name, bounds.CreateInstanceInput.name, 'Name the instance first.') ?? (!account ? (complete ? 'There is no account yet.' : 'The accounts are being loaded.') : !host ? 'There is no hypervisor yet.' : creditsPerHour === undefined ? 'Credits are a number.' : null)

  const create = async () => {
    if (reason || !account || !host) return
    const input = { name: name.trim(), accountId: account.id, hypervisorId: host.id, creditsPerHour, qmpSocket: socket.trim() || undefined }
    if (await submit(() => ({ input }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title="Create an instance"
      description="It is stopped at first. Its owner starts it and attaches volumes."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create instance
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateInstanceInput.name} required />
      <SelectField label="Owner" value={account?.id ?? ''} onChange={setAccount} options={accounts.map(({ id, name: label }) => ({ value: id, label }))} />
      <SelectField
        label="Hypervisor"
        value={host?.id ?? ''}
        onChange={setHost}
        options={(data?.hypervisors ?? []).map(({ id, name: label, group }) => ({ value: id, label, detail: group.name }))}
      />
      <TextField label="Credits" value={credits} onChange={setCredits} inputMode="decimal" className="max-w-24 nums" after="per hour of running" error={creditsPerHour === undefined ? 'A number such as 0.05. 0 is free.' : undefined} />
      <TextField label="QMP socket" optional value={socket} onChange={setSocket} className="font-mono" placeholder="/run/instances/web.qmp" help="The path on the hypervisor. Snapshots of a running instance’s volumes need it." />
    </Dialog>
  )
}
