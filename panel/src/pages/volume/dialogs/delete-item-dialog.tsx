/** Deletes a snapshot or a backup, once its name is typed. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { formatInstant } from '~/lib/instant'
import { WriteOffDialog } from '~/pages/removal/write-off-dialog'
import { Button } from '~/parts/button'
import { DeleteDialog } from '~/parts/delete-dialog'
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
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const snapshot = useSubmit(DeleteSnapshot)
  const backup = useSubmit(DeleteBackup)
  const { pending, failure } = isSnapshot ? snapshot : backup
  const [writingOff, setWritingOff] = useState(false)

  const remove = async (typed: string) => {
    const done = isSnapshot
      ? await snapshot.submit((idempotencyKey) => ({ input: { snapshotId: item.id, confirmName: typed, idempotencyKey } }))
      : await backup.submit((idempotencyKey) => ({ input: { backupId: item.id, confirmName: typed, idempotencyKey } }))
    if (done) dialog.close()
  }

  if (writingOff) {
    return <WriteOffDialog noun={noun} name={item.name} target={isSnapshot ? { snapshotId: item.id } : { backupId: item.id }} onClosed={onClosed} />
  }
  return (
    <DeleteDialog
      dialog={dialog.props}
      noun={noun}
      name={item.name}
      pending={pending}
      failure={failure}
      isAdmin={isAdmin}
      aside={
        isAdmin && (
          <p className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 text-small text-ink-2">
            It can never be deleted?
            <Button size="small" onClick={() => setWritingOff(true)}>
              Write off…
            </Button>
          </p>
        )
      }
      onConfirm={(typed) => void remove(typed)}
    >
      {` (${formatBytes(item.retainedBytes ?? item.volumeSizeBytes)}, ${formatInstant(Date.parse(item.createdAt))}) is removed from `}
      {isSnapshot
        ? 'storage and can’t be brought back. The volume and its other snapshots stay as they are.'
        : 'backup storage and can’t be brought back. The volume and its other backups stay as they are.'}
    </DeleteDialog>
  )
}
