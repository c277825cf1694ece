/** Deletes a snapshot or a backup, once its name is typed. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { formatBytes } from '~/lib/bytes'
import { confirmation } from '~/lib/confirm-name'
import { formatInstant } from '~/lib/instant'
import { Button } from '~/parts/button'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { useDialog } from '~/parts/use-dialog'

import type { ItemKind } from '../items/recovery-ribbon'

const DeleteSnapshot = graphql(`
  mutation DeleteSnapshot($input: DeleteSnapshotInput!) {
    deleteSnapshot(input: $input) {
      snapshot { id status }
      operation { id status }
    }
  }
`)

const DeleteBackup = graphql(`
  mutation DeleteBackup($input: DeleteBackupInput!) {
    deleteBackup(input: $input) {
      backup { id status }
      operation { id status }
    }
  }
`)

interface DeleteItemDialogProps {
  item: { id: string; name: string; createdAt: string; volumeSizeBytes: number; retainedBytes?: number }
  kind: ItemKind
  onClosed: () => void
}

export function DeleteItemDialog({ item, kind, onClosed }: DeleteItemDialogProps) {
  const isSnapshot = kind === 'snapshots'
  const noun = isSnapshot ? 'snapshot' : 'backup'
  const dialog = useDialog(onClosed)
  const snapshot = useSubmit(DeleteSnapshot)
  const backup = useSubmit(DeleteBackup)
  const { pending, failure } = isSnapshot ? snapshot : backup
  const [typed, setTyped] = useState('')
  const matches = confirmation(typed, item.name) === 'same'

  const submit = async () => {
    if (!matches) return
    const done = isSnapshot
      ? await snapshot.submit((idempotencyKey) => ({ input: { snapshotId: item.id, confirmName: typed, idempotencyKey } }))
      : await backup.submit((idempotencyKey) => ({ input: { backupId: item.id, confirmName: typed, idempotencyKey } }))
    if (done) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      alert
      title={`Delete this ${noun}?`}
      description={
        <>
          <span className="font-medium text-ink">{item.name}</span>
          {` (${formatBytes(item.retainedBytes ?? item.volumeSizeBytes)}, ${formatInstant(Date.parse(item.createdAt))}) is removed from `}
          {isSnapshot
            ? 'storage and can’t be brought back. The volume and its other snapshots stay as they are.'
            : 'backup storage and can’t be brought back. The volume and its other backups stay as they are.'}
        </>
      }
      onSubmit={() => void submit()}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={matches ? null : `Type the ${noun}’s name first.`}>
          Delete {noun}
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <ConfirmName name={item.name} typed={typed} onType={setTyped} />
    </Dialog>
  )
}
