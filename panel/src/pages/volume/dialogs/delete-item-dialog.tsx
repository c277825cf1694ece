/** Deletes a snapshot or a backup, once its name is typed; one that failed without that. */

import { useState } from 'react'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { formatInstant } from '~/lib/instant'
import { WriteOffDialog } from '~/pages/removal/write-off-dialog'
import { Button } from '~/parts/button'
import { DeleteDialog } from '~/parts/delete-dialog'
import { useDialog } from '~/parts/use-dialog'

import type { ItemKind } from '../items/recovery-ribbon'

export const DeleteSnapshot = graphql(
  `
    mutation DeleteSnapshot($input: DeleteSnapshotInput!, $isAdmin: Boolean!) {
      deleteSnapshot(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

export const DeleteBackup = graphql(
  `
    mutation DeleteBackup($input: DeleteBackupInput!, $isAdmin: Boolean!) {
      deleteBackup(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

interface DeleteItemDialogProps {
  item: { id: string; name: string; status: string; createdAt: string; volumeSizeBytes: number; retainedBytes?: number }
  kind: ItemKind
  /** Whose it is, also where that is gone. */
  volumeId: string
  onClosed: () => void
}

export function DeleteItemDialog({ item, kind, volumeId, onClosed }: DeleteItemDialogProps) {
  const isSnapshot = kind === 'snapshots'
  const noun = isSnapshot ? 'snapshot' : 'backup'
  const { operations } = useApi()
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const snapshot = useSubmit(DeleteSnapshot)
  const backup = useSubmit(DeleteBackup)
  const { pending, failure } = isSnapshot ? snapshot : backup
  const [writingOff, setWritingOff] = useState(false)

  const remove = async (typed: string) => {
    const answered = operations.expect(volumeId, { kind: isSnapshot ? 'DELETE_SNAPSHOT' : 'DELETE_BACKUP', subjectName: item.name })
    const done = isSnapshot
      ? await snapshot.submit((idempotencyKey) => ({ input: { snapshotId: item.id, confirmName: typed, idempotencyKey }, isAdmin }))
      : await backup.submit((idempotencyKey) => ({ input: { backupId: item.id, confirmName: typed, idempotencyKey }, isAdmin }))
    answered()
    if (done) dialog.close()
  }

  return (
    <DeleteDialog
      dialog={dialog.props}
      noun={noun}
      name={item.name}
      pending={pending}
      failure={failure}
      isAdmin={isAdmin}
      untyped={item.status === 'FAILED'}
      aside={
        isAdmin && (
          <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 text-small text-ink-2">
            It can never be deleted?
            <Button size="small" onClick={() => setWritingOff(true)}>
              Write off…
            </Button>
            {writingOff && (
              <WriteOffDialog
                noun={noun}
                name={item.name}
                target={isSnapshot ? { snapshotId: item.id } : { backupId: item.id }}
                onGone={dialog.close}
                onClosed={() => setWritingOff(false)}
              />
            )}
          </div>
        )
      }
      onConfirm={(typed) => void remove(typed)}
    >
      {item.status === 'FAILED' ? (
        ' has failed: there is nothing to go back to in it. What is left of it on storage is removed.'
      ) : (
        <Loss item={item} isSnapshot={isSnapshot} />
      )}
    </DeleteDialog>
  )
}

/** What is lost with one that could be restored. */
function Loss({ item, isSnapshot }: { item: DeleteItemDialogProps['item']; isSnapshot: boolean }) {
  return (
    <>
      {` (${formatBytes(item.retainedBytes ?? item.volumeSizeBytes)}, ${formatInstant(Date.parse(item.createdAt))}) is removed from `}
      {isSnapshot
        ? 'storage and can’t be brought back. The volume and its other snapshots stay as they are.'
        : 'backup storage and can’t be brought back. The volume and its other backups stay as they are.'}
    </>
  )
}
