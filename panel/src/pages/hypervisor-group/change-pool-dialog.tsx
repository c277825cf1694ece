/** Changes what a storage pool is called, and of a directory who reaches it. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { ChangeDialog } from '~/parts/change-dialog'
import { Notice } from '~/parts/notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { ReachField, reachInput, reachOf } from './reach-field'

const UpdateStoragePool = graphql(`
  mutation UpdateStoragePool($input: UpdateStoragePoolInput!) {
    updateStoragePool(input: $input) {
      storagePool { id name reach hypervisor { id name } }
    }
  }
`)

interface ChangePoolDialogProps {
  pool: { id: string; name: string; storageType: string; hypervisor: { id: string } | null }
  /** The hypervisors of its group. */
  hosts: readonly { id: string; name: string }[]
  onClosed: () => void
}

export function ChangePoolDialog({ pool, hosts, onClosed }: ChangePoolDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateStoragePool)
  const [name, setName] = useState(pool.name)
  const [reach, setReach] = useState(() => reachOf(pool))
  const moves = reach !== reachOf(pool)
  const same = name.trim() === pool.name && !moves
  const reason = textReason(name, bounds.UpdateStoragePoolInput.name, 'Name the pool first.') ?? (same ? 'Nothing has changed.' : null)

  const save = async () => {
    const input = { storagePoolId: pool.id, name: name.trim(), ...(moves && reachInput(reach)) }
    if (await submit(() => ({ input }))) dialog.close()
  }

  return (
    <ChangeDialog dialog={dialog.props} name={pool.name} pending={pending} failure={failure} reason={reason} onSave={() => void save()}>
      <TextField label="Name" value={name} onChange={setName} bound={bounds.UpdateStoragePoolInput.name} required />
      {/* A cluster is reached by every hypervisor. */}
      {pool.storageType === 'QCOW2_FILE' && <ReachField hosts={hosts} value={reach} onChange={setReach} />}
      {moves && (
        <Notice live="status" tone="info" title="Its marker is written anew.">
          The next hypervisor that works there does it. Nothing that lies there is moved.
        </Notice>
      )}
    </ChangeDialog>
  )
}
