/** Changes what a hypervisor is called, and where it writes backups. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { ChangeDialog } from '~/parts/change-dialog'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const OwnStorageChoice = graphql(`
  query OwnStorageChoice {
    backupStorages { id name summary }
  }
`)

const UpdateHypervisor = graphql(`
  mutation UpdateHypervisor($input: UpdateHypervisorInput!) {
    updateHypervisor(input: $input) {
      hypervisor { id name usesGroupBackupStorage backupStorage { id } }
    }
  }
`)

/** In the place of a backup storage of its own. */
const OF_GROUP = 'group'

interface ChangeHypervisorDialogProps {
  hypervisor: { id: string; name: string; usesGroupBackupStorage: boolean; backupStorage: { id: string } | null }
  onClosed: () => void
}

export function ChangeHypervisorDialog({ hypervisor, onClosed }: ChangeHypervisorDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateHypervisor)
  const [{ data }] = useKeptQuery({ query: OwnStorageChoice })
  const before = hypervisor.usesGroupBackupStorage ? OF_GROUP : (hypervisor.backupStorage?.id ?? OF_GROUP)
  const [name, setName] = useState(hypervisor.name)
  const [storage, setStorage] = useState(before)
  const same = name.trim() === hypervisor.name && storage === before
  const reason = textReason(name, bounds.UpdateHypervisorInput.name, 'Name the hypervisor first.') ?? (same ? 'Nothing has changed.' : null)

  const save = async () => {
    // An explicit null gives it that of its group.
    const backupStorageId = storage === before ? undefined : storage === OF_GROUP ? null : storage
    if (await submit(() => ({ input: { hypervisorId: hypervisor.id, name: name.trim(), backupStorageId } }))) dialog.close()
  }

  return (
    <ChangeDialog dialog={dialog.props} name={hypervisor.name} pending={pending} failure={failure} reason={reason} onSave={() => void save()}>
      <TextField label="Name" value={name} onChange={setName} bound={bounds.UpdateHypervisorInput.name} className="font-mono" required />
      <SelectField
        label="Backup storage"
        value={storage}
        onChange={setStorage}
        options={[{ value: OF_GROUP, label: 'Its group’s' }, ...(data?.backupStorages ?? []).map(({ id, name: label, summary }) => ({ value: id, label, detail: summary }))]}
        help="New backups are written there. Those that were made before stay where they are."
      />
    </ChangeDialog>
  )
}
