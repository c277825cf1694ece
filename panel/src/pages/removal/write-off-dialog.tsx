/** Writes something off that can never be deleted, once its name is typed and a reason is given. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql, type VariablesOf } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { confirmation } from '~/lib/confirm-name'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const WriteOff = graphql(`
  mutation WriteOff($input: WriteOffInput!) {
    writeOff(input: $input) {
      writtenOffId
    }
  }
`)

export type WriteOffTarget = VariablesOf<typeof WriteOff>['input']['target']

interface WriteOffDialogProps {
  noun: string
  name: string
  target: WriteOffTarget
  /** What ends with it. */
  about?: string
  /** It is written off: its page, if one is looking at it, is no more. */
  onGone?: () => void
  onClosed: () => void
}

export function WriteOffDialog({ noun, name, target, about, onGone, onClosed }: WriteOffDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(WriteOff)
  const [why, setWhy] = useState('')
  const [typed, setTyped] = useState('')
  const matches = confirmation(typed, name) === 'same'
  const reason = textReason(why, bounds.WriteOffInput.reason, 'Give a reason first.') ?? (matches ? null : `Type the ${noun}’s name first.`)

  const writeOff = async () => {
    if (reason) return
    if (!(await submit(() => ({ input: { target, confirmName: typed, reason: why.trim() } })))) return
    if (onGone) onGone()
    else dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      alert
      title={`Write off this ${noun}?`}
      description={
        <>
          <span className="font-medium text-ink"><bdi>{name}</bdi></span>
          {` ends here and is no longer billed, though nothing of it is removed: what is left of it stays where it lies.${about ? ` ${about}` : ''} This can’t be taken back. Delete it instead if that is possible.`}
        </>
      }
      onSubmit={() => void writeOff()}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={reason}>
          Write off
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Reason" value={why} onChange={setWhy} bound={bounds.WriteOffInput.reason} help="It is kept in the audit." required />
      <ConfirmName name={name} typed={typed} onType={setTyped} />
    </Dialog>
  )
}
