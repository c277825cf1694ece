/** Gives up on an operation: it is marked failed, once the volume's name is typed and a reason is given. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useSubmit } from '~/api/use-submit'
import { confirmation } from '~/lib/confirm-name'
import { operationWords } from '~/lib/operation-words'
import { textReason } from '~/lib/text-bound'
import type { QueuedOperation } from '~/pages/queue/queue-query'
import { Button } from '~/parts/button'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const FailOperation = graphql(
  `
    mutation FailOperation($input: FailOperationInput!, $isAdmin: Boolean! = true) {
      failOperation(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

export function FailDialog({ operation, onClosed }: { operation: QueuedOperation; onClosed: () => void }) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(FailOperation)
  const [typed, setTyped] = useState('')
  const [why, setWhy] = useState('')
  const name = (operation.volume ?? operation.targetVolume)?.name ?? operation.backup?.volumeName ?? operation.account.name
  const matches = confirmation(typed, name) === 'same'
  const reason = textReason(why, bounds.FailOperationInput.reason, 'Give a reason first.') ?? (matches ? null : 'Type the volume’s name first.')

  const fail = async () => {
    if (reason) return
    if (await submit(() => ({ input: { operationId: operation.id, reason: why.trim() } }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      alert
      title="Mark this operation failed?"
      description={
        <>
          <span className="font-medium text-ink">{operationWords(operation.kind).noun}</span>
          {' of '}
          <bdi>{operation.account.name}</bdi>
          {` ends now. The volume is released once no agent can still be writing: when the agent has stopped, or its lease is over.`}
          {operation.kind === 'RESTORE_IN_PLACE' && ' The volume may be partly overwritten then.'}
        </>
      }
      onSubmit={() => void fail()}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={reason}>
          Mark failed
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <TextField label="Reason" value={why} onChange={setWhy} bound={bounds.FailOperationInput.reason} help="The customer reads it." required />
      <ConfirmName name={name} typed={typed} onType={setTyped} />
    </Dialog>
  )
}
