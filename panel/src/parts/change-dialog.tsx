/** The frame of a dialog that changes what there is: it saves what differs, and stays with it when that is refused. */

import type { ReactNode } from 'react'

import type { Failure } from '~/api/failure'

import { Button } from './button'
import { Dialog } from './dialog'
import { FailureNotice } from './failure-notice'

interface ChangeDialogProps {
  dialog: { open: boolean; onClose: () => void; onClosed: () => void }
  /** What is changed, by name. */
  name: string
  description?: ReactNode
  pending: boolean
  failure: Failure | undefined
  /** Why it cannot be saved; null if it can. */
  reason: string | null
  onSave: () => void
  children: ReactNode
}

export function ChangeDialog({ dialog, name, description, pending, failure, reason, onSave, children }: ChangeDialogProps) {
  return (
    <Dialog
      {...dialog}
      title={<>Change <bdi>{name}</bdi></>}
      description={description}
      onSubmit={() => !reason && onSave()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Save
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      {children}
    </Dialog>
  )
}
