/** Asks for a name before what has it is deleted for good. */

import { type ReactNode, useState } from 'react'

import type { Failure } from '~/api/failure'
import { confirmation } from '~/lib/confirm-name'

import { Button } from './button'
import { ConfirmName } from './confirm-name'
import { Dialog } from './dialog'
import { FailureNotice } from './failure-notice'

interface DeleteDialogProps {
  dialog: { open: boolean; onClose: () => void; onClosed: () => void }
  /** What it is: "snapshot". */
  noun: string
  name: string
  /** What follows the name in the sentence that says what is lost. */
  children: ReactNode
  pending: boolean
  failure: Failure | undefined
  isAdmin?: boolean
  /** Another way, below the name. */
  aside?: ReactNode
  /** Called with what was typed. */
  onConfirm: (typed: string) => void
}

export function DeleteDialog({ dialog, noun, name, children, pending, failure, isAdmin, aside, onConfirm }: DeleteDialogProps) {
  const [typed, setTyped] = useState('')
  const matches = confirmation(typed, name) === 'same'
  return (
    <Dialog
      {...dialog}
      alert
      title={`Delete this ${noun}?`}
      description={
        <>
          <span className="font-medium text-ink">{name}</span>
          {children}
        </>
      }
      onSubmit={() => matches && onConfirm(typed)}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={matches ? null : `Type the ${noun}’s name first.`}>
          Delete {noun}
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin={isAdmin} />
      <ConfirmName name={name} typed={typed} onType={setTyped} />
      {aside}
    </Dialog>
  )
}
