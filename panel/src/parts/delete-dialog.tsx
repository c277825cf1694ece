/** Asks for a name before what has it is deleted for good; of what failed, only whether it is to be deleted. */

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
  /** Nothing is lost by it: its name need not be typed. */
  untyped?: boolean
  /** Another way, below the name. */
  aside?: ReactNode
  /** Called with what was typed, or with the name. */
  onConfirm: (typed: string) => void
}

export function DeleteDialog({ dialog, noun, name, children, pending, failure, isAdmin, untyped, aside, onConfirm }: DeleteDialogProps) {
  const [typed, setTyped] = useState('')
  const matches = untyped || confirmation(typed, name) === 'same'
  return (
    <Dialog
      {...dialog}
      alert
      title={`Delete this ${noun}?`}
      description={
        <>
          <bdi className="font-medium text-ink">{name}</bdi>
          {children}
        </>
      }
      onSubmit={() => matches && onConfirm(untyped ? name : typed)}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={matches ? null : `Type the ${noun}’s name first.`}>
          Delete {noun}
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin={isAdmin} />
      {!untyped && <ConfirmName name={name} typed={typed} onType={setTyped} />}
      {aside}
    </Dialog>
  )
}
