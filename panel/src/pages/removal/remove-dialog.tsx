/** Deletes something that is not used any more, once its name is typed. What still uses it is told by the gateway. */

import type { TypedDocumentNode } from '@urql/core'
import type { ReactNode } from 'react'

import { useSubmit } from '~/api/use-submit'
import { DeleteDialog } from '~/parts/delete-dialog'
import { useDialog } from '~/parts/use-dialog'

export interface Removal<Data, Input> {
  /** What it is: "plan". */
  noun: string
  name: string
  mutation: TypedDocumentNode<Data, { input: Input }>
  /** What the mutation takes, with the name as it was typed. */
  input: (confirmName: string) => Input
  /** It is gone: its page, if one is looking at it, is no more. */
  onGone?: () => void
}

interface RemoveDialogProps<Data, Input> {
  removal: Removal<Data, Input>
  /** What follows the name in the sentence that says what is lost. */
  children: ReactNode
  onClosed: () => void
}

export function RemoveDialog<Data, Input>({ removal, children, onClosed }: RemoveDialogProps<Data, Input>) {
  const { noun, name, mutation, input, onGone } = removal
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(mutation)
  const remove = async (typed: string) => {
    if (!(await submit(() => ({ input: input(typed) })))) return
    if (onGone) onGone()
    else dialog.close()
  }
  return (
    <DeleteDialog dialog={dialog.props} noun={noun} name={name} pending={pending} failure={failure} isAdmin onConfirm={(typed) => void remove(typed)}>
      {children}
    </DeleteDialog>
  )
}
