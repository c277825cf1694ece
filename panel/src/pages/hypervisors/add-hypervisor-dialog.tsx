/** Adds a hypervisor, and shows the token that its agent enrols with, once. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { useFirst } from '~/lib/use-first'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Secret } from '~/parts/secret'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { tokenDialog } from './enrolment-token'
import { TokenPlace } from './token-place'

const HypervisorPlaces = graphql(`
  query HypervisorPlaces {
    hypervisorGroups { id name backupStorage { id name } }
    backupStorages { id name summary }
  }
`)

const CreateHypervisor = graphql(`
  mutation CreateHypervisor($input: CreateHypervisorInput!) {
    createHypervisor(input: $input) {
      hypervisor { id name }
      enrolmentToken
    }
  }
`)

/** In the place of a backup storage of its own. */
const OF_GROUP = 'group'

interface AddHypervisorDialogProps {
  /** The group that is chosen at first. */
  groupId?: string
  onClosed: () => void
}

export function AddHypervisorDialog({ groupId, onClosed }: AddHypervisorDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateHypervisor)
  const [{ data }] = useKeptQuery({ query: HypervisorPlaces })
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState(groupId)
  const [storage, setStorage] = useState(OF_GROUP)
  const [token, setToken] = useState<string>()
  const groups = data?.hypervisorGroups ?? []
  const firstGroup = useFirst(groups[0]?.id)
  const group = groups.find((one) => one.id === (chosen ?? firstGroup)) ?? groups[0]
  const reason = textReason(name, bounds.CreateHypervisorInput.name, 'Name the hypervisor first.') ?? (group ? null : 'There is no group yet. Create one first.')

  const add = async () => {
    if (reason || !group) return
    const backupStorageId = storage === OF_GROUP ? undefined : storage
    const done = await submit(() => ({ input: { name: name.trim(), hypervisorGroupId: group.id, backupStorageId } }))
    if (done) setToken(done.createHypervisor.enrolmentToken)
  }

  if (token !== undefined) {
    return (
      <Dialog {...dialog.props} {...tokenDialog(name.trim())} onSubmit={dialog.close}>
        <Secret label="Enrolment token" value={token} />
        <TokenPlace />
      </Dialog>
    )
  }
  return (
    <Dialog
      {...dialog.props}
      hold={pending}
      title="Add a hypervisor"
      description="It gets a token, by which its agent enrols."
      onSubmit={() => void add()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Add hypervisor
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateHypervisorInput.name} className="font-mono" placeholder="hv-ams-03" required />
      <SelectField label="Group" value={group?.id ?? ''} onChange={setChosen} options={groups.map(({ id, name: label }) => ({ value: id, label }))} />
      <SelectField
        label="Backup storage"
        value={storage}
        onChange={setStorage}
        options={[
          { value: OF_GROUP, label: 'Its group’s', detail: group?.backupStorage?.name ?? 'None is set' },
          ...(data?.backupStorages ?? []).map(({ id, name: label, summary }) => ({ value: id, label, detail: summary })),
        ]}
      />
    </Dialog>
  )
}
