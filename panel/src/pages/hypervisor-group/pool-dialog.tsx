/** Adds a storage pool to a hypervisor group: a directory of qcow2 files, or a Ceph pool. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { placeErrors } from '~/lib/place-errors'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { SecretField } from '~/parts/secret-field'
import { Segmented } from '~/parts/segmented'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { firstReach, ReachField, reachInput } from './reach-field'

const CreateStoragePool = graphql(`
  mutation CreateStoragePool($input: CreateStoragePoolInput!) {
    createStoragePool(input: $input) {
      storagePool { id name }
    }
  }
`)

const TYPES = [
  { value: 'QCOW2_FILE', label: 'QCOW2 files' },
  { value: 'CEPH_RBD', label: 'Ceph' },
] as const

/** What the gateway calls each field. */
const PLACES = { path: 'qcow2File.path', pool: 'cephRbd.pool', user: 'cephRbd.user', configPath: 'cephRbd.configPath', keyring: 'cephRbd.keyring', reach: 'hypervisorId' }

const EMPTY = { name: '', path: '', pool: '', user: '', configPath: '', keyring: '' }

interface PoolDialogProps {
  group: { id: string; name: string; hypervisors: readonly { id: string; name: string }[] }
  onClosed: () => void
}

export function PoolDialog({ group, onClosed }: PoolDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateStoragePool)
  const [type, setType] = useState<'QCOW2_FILE' | 'CEPH_RBD'>('QCOW2_FILE')
  const [draft, setDraft] = useState(EMPTY)
  const [reach, setReach] = useState(() => firstReach(group.hypervisors))
  const set = (field: keyof typeof EMPTY) => (value: string) => setDraft({ ...draft, [field]: value })
  const { at, rest } = placeErrors(failure, PLACES)
  const isCeph = type === 'CEPH_RBD'
  const needed = isCeph ? ([['pool', 'The pool'], ['user', 'The user']] as const) : ([['path', 'The directory']] as const)
  const missing = needed.find(([field]) => draft[field].trim() === '')
  const reason = textReason(draft.name, bounds.CreateStoragePoolInput.name, 'Name the pool first.') ?? (missing ? `${missing[1]} is missing.` : null)

  const add = async () => {
    if (reason) return
    const cephRbd = { pool: draft.pool.trim(), user: draft.user.trim(), configPath: draft.configPath.trim() || null, keyring: draft.keyring || null }
    const place = isCeph ? { cephRbd } : { qcow2File: { path: draft.path.trim() }, ...reachInput(reach) }
    if (await submit(() => ({ input: { hypervisorGroupId: group.id, name: draft.name.trim(), ...place } }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={<>Add a storage pool to <bdi>{group.name}</bdi></>}
      description="New volumes of this group lie there, if their plan has its storage type."
      onSubmit={() => void add()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Add storage pool
        </Button>
      }
    >
      <FailureNotice failure={rest} isAdmin />
      <TextField label="Name" value={draft.name} onChange={set('name')} bound={bounds.CreateStoragePoolInput.name} required />
      <Segmented name="Storage" options={TYPES} value={type} onChange={setType}>
        {isCeph ? (
          <>
            <TextField label="Pool" value={draft.pool} onChange={set('pool')} error={at.pool} className="font-mono" placeholder="volumes" required />
            <TextField label="User" value={draft.user} onChange={set('user')} error={at.user} className="font-mono" placeholder="tidemark" help="Without “client.” before it." required />
            <TextField label="Configuration file" optional value={draft.configPath} onChange={set('configPath')} error={at.configPath} className="font-mono" placeholder="/etc/ceph/ceph.conf" />
            <SecretField label="Key" optional value={draft.keyring} onChange={set('keyring')} error={at.keyring} kept={false} help="Kept encrypted, and never shown again. Without it, the hypervisors have it themselves." />
          </>
        ) : (
          <>
            <TextField label="Directory" value={draft.path} onChange={set('path')} error={at.path} className="font-mono" placeholder="/srv/volumes" help="An absolute path on the hypervisors." required />
            <ReachField hosts={group.hypervisors} value={reach} onChange={setReach} error={at.reach} />
          </>
        )}
      </Segmented>
    </Dialog>
  )
}
