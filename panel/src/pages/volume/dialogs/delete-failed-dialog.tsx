/** Deletes several items that failed, one after the other: the panel sends their names. */

import { useState } from 'react'

import { useApi } from '~/api/context'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { useDialog } from '~/parts/use-dialog'

import type { ItemKind } from '../items/recovery-ribbon'

import { DeleteBackup, DeleteSnapshot } from './delete-item-dialog'

interface DeleteFailedDialogProps {
  items: readonly { id: string; name: string; failure: string | null }[]
  kind: ItemKind
  onClosed: () => void
}

export function DeleteFailedDialog({ items, kind, onClosed }: DeleteFailedDialogProps) {
  const { operations } = useApi()
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const snapshot = useSubmit(DeleteSnapshot)
  const backup = useSubmit(DeleteBackup)
  // Those that were there when it was opened: the list behind it loses them one by one.
  const [all] = useState(items)
  const [done, setDone] = useState(0)
  const [going, setGoing] = useState(false)
  const failure = (kind === 'snapshots' ? snapshot : backup).failure
  const noun = kind === 'snapshots' ? 'snapshot' : 'backup'

  const remove = async () => {
    if (going) return
    setGoing(true)
    for (const [i, { id, name }] of all.entries()) {
      if (i < done) continue
      if (kind === 'snapshots') {
        const answer = await snapshot.submit((idempotencyKey) => ({ input: { snapshotId: id, confirmName: name, idempotencyKey }, isAdmin }))
        if (!answer) return setGoing(false)
        // Each holds the volume.
        await operations.ended(answer.deleteSnapshot.operation.id)
      } else if (!(await backup.submit((idempotencyKey) => ({ input: { backupId: id, confirmName: name, idempotencyKey }, isAdmin })))) {
        return setGoing(false)
      }
      setDone(i + 1)
    }
    dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      alert
      title={`Delete ${counted(all.length, `failed ${noun}`)}?`}
      description="There is nothing to go back to in them. What is left of them on storage is removed."
      onSubmit={() => void remove()}
      actions={
        <Button kind="danger" type="submit" pending={going}>
          Delete {counted(all.length, noun)}
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin={isAdmin} />
      <ul aria-label={`Failed ${noun}s`} className="flex max-h-64 flex-col gap-2 overflow-y-auto text-small">
        {all.map(({ id, name, failure: why }, i) => (
          <li key={id} className={i < done ? 'text-ink-3 line-through' : ''}>
            <bdi className="font-medium anywhere">{name}</bdi>
            {why && <span className="line-clamp-2 text-meta text-ink-3 anywhere">{why}</span>}
          </li>
        ))}
      </ul>
      {going && (
        <p role="status" className="text-small text-ink-2 nums">
          {`${done} of ${all.length} are being deleted or gone.`}
        </p>
      )}
    </Dialog>
  )
}
