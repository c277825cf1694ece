/** Gives something another name. */

import { useState } from 'react'

import type { Failure } from '~/api/failure'
import { type Bound, textReason } from '~/lib/text-bound'

import { Button } from './button'
import { Dialog } from './dialog'
import { FailureNotice } from './failure-notice'
import { TextField } from './text-field'

interface RenameDialogProps {
  dialog: { open: boolean; onClose: () => void; onClosed: () => void }
  noun: string
  /** What it is called now. */
  name: string
  bound: Bound
  pending: boolean
  failure: Failure | undefined
  onRename: (name: string) => void
}

export function RenameDialog({ dialog, noun, name, bound, pending, failure, onRename }: RenameDialogProps) {
  const [typed, setTyped] = useState(name)
  const reason = textReason(typed, bound, `Name the ${noun} first.`) ?? (typed.trim() === name ? 'It is called so already.' : null)
  return (
    <Dialog
      {...dialog}
      title={<>Rename <bdi>{name}</bdi></>}
      onSubmit={() => !reason && onRename(typed.trim())}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Rename
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Name" value={typed} onChange={setTyped} bound={bound} required />
    </Dialog>
  )
}
