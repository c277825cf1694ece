/** Stops an operation, after asking. Deletes are not stopped. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { isProtecting } from '~/lib/operation-words'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const CancelOperation = graphql(
  `
    mutation CancelOperation($input: CancelOperationInput!, $isAdmin: Boolean!) {
      cancelOperation(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

interface Operation {
  id: string
  kind: string
}

export function CancelButton({ operation }: { operation: Operation }) {
  const [opened, setOpened] = useState(false)
  if (!isProtecting(operation.kind)) return null
  return (
    <>
      <button type="button" onClick={() => setOpened(true)} className="-my-1.5 h-8 rounded-field text-accent-text underline underline-offset-2 hover:text-ink">
        Cancel…
      </button>
      {opened && <CancelDialog operation={operation} onClosed={() => setOpened(false)} />}
    </>
  )
}

export function CancelDialog({ operation, onClosed }: { operation: Operation; onClosed: () => void }) {
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CancelOperation)
  const overwrites = operation.kind === 'RESTORE_IN_PLACE'
  const cancel = async () => {
    if (await submit(() => ({ input: { operationId: operation.id }, isAdmin }))) dialog.close()
  }
  return (
    <ConfirmDialog
      dialog={dialog.props}
      danger={overwrites}
      title="Cancel this operation?"
      action="Cancel the operation"
      keep="Let it run"
      pending={pending}
      failure={failure}
      onConfirm={() => void cancel()}
    >
      {overwrites
        ? 'The volume is partly overwritten then, and can’t be attached until another roll back has completed.'
        : 'What was made so far is removed. The volume is not changed.'}
    </ConfirmDialog>
  )
}
