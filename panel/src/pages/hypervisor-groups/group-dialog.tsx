/** Creates a hypervisor group, or changes its name and where its hypervisors write backups. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const BackupStorageChoice = graphql(`
  query BackupStorageChoice {
    backupStorages { id name summary }
  }
`)

const CreateGroup = graphql(`
  mutation CreateHypervisorGroup($input: CreateHypervisorGroupInput!) {
    createHypervisorGroup(input: $input) {
      hypervisorGroup { id name }
    }
  }
`)

const UpdateGroup = graphql(`
  mutation UpdateHypervisorGroup($input: UpdateHypervisorGroupInput!) {
    updateHypervisorGroup(input: $input) {
      hypervisorGroup { id name backupStorage { id } }
    }
  }
`)

/** In the place of a backup storage. */
const NONE = 'none'

interface GroupDialogProps {
  /** The one that is changed; a new one if there is none. */
  group?: { id: string; name: string; backupStorage: { id: string } | null }
  onClosed: () => void
}

export function GroupDialog({ group, onClosed }: GroupDialogProps) {
  const dialog = useDialog(onClosed)
  const creation = useSubmit(CreateGroup)
  const update = useSubmit(UpdateGroup)
  const { pending, failure } = group ? update : creation
  const [{ data }] = useKeptQuery({ query: BackupStorageChoice })
  const [name, setName] = useState(group?.name ?? '')
  const [storage, setStorage] = useState(group?.backupStorage?.id ?? NONE)
  const reason = textReason(name, bounds.CreateHypervisorGroupInput.name, 'Name the group first.')

  const save = async () => {
    if (reason) return
    // An explicit null clears it.
    const input = { name: name.trim(), backupStorageId: storage === NONE ? null : storage }
    const done = group ? await update.submit(() => ({ input: { hypervisorGroupId: group.id, ...input } })) : await creation.submit(() => ({ input }))
    if (done) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={group ? <>Change <bdi>{group.name}</bdi></> : 'Create a hypervisor group'}
      description="Hypervisors of a group share its storage pools, and its backup storage unless they have their own."
      onSubmit={() => void save()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          {group ? 'Save' : 'Create group'}
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateHypervisorGroupInput.name} help="Customers see it as the location of their volumes." required />
      <SelectField
        label="Backup storage"
        value={storage}
        onChange={setStorage}
        options={[{ value: NONE, label: 'None' }, ...(data?.backupStorages ?? []).map(({ id, name: label, summary }) => ({ value: id, label, detail: summary }))]}
      />
      {group?.backupStorage && storage !== group.backupStorage.id && (
        <Notice tone={storage === NONE ? 'warn' : 'info'} title={storage === NONE ? 'Nobody can create backups here any more.' : 'New backups are written there.'}>
          Backups that were made before stay where they are, and can be restored and deleted.
        </Notice>
      )}
    </Dialog>
  )
}
