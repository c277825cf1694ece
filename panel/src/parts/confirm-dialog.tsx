/** Asks once before something that can be undone. */

import type { ReactNode } from 'react'

import type { Failure } from '~/api/failure'
import { Button } from './button'
import { Dialog } from './dialog'
import { FailureNotice } from './failure-notice'

interface ConfirmDialogProps {
  dialog: { open: boolean; onClose: () => void; onClosed: () => void }
  title: ReactNode
  children: ReactNode
  action: string
  danger?: boolean
  /** What the button says that changes nothing, if not "Cancel". */
  keep?: string
  pending: boolean
  failure: Failure | undefined
  onConfirm: () => void
}

export function ConfirmDialog({ dialog, title, children, action, danger, keep, pending, failure, onConfirm }: ConfirmDialogProps) {
  return (
    <Dialog
      {...dialog}
      alert={danger}
      cancel={keep}
      title={title}
      description={children}
      onSubmit={onConfirm}
      actions={
        <Button kind={danger ? 'danger' : 'primary'} type="submit" pending={pending}>
          {action}
        </Button>
      }
    >
      {failure && <FailureNotice failure={failure} />}
    </Dialog>
  )
}
