/** Accepts what is in a place now, where that was replaced, once its name is typed. */

import { useState } from 'react'

import { graphql, type VariablesOf } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { acceptWords } from '~/lib/accepting'
import { confirmation } from '~/lib/confirm-name'
import { Button } from '~/parts/button'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { useDialog } from '~/parts/use-dialog'

const AcceptPlace = graphql(`
  mutation AcceptPlace($input: AcceptPlaceInput!) {
    acceptPlace(input: $input) {
      storagePool { id }
      backupStorage { id }
    }
  }
`)

interface AcceptPlaceDialogProps {
  noun: 'storage pool' | 'backup storage'
  name: string
  /** A pool's storage type, or a backup storage's kind. */
  medium: string
  place: VariablesOf<typeof AcceptPlace>['input']
  /** Of a local one: the hypervisor where it is accepted. */
  where?: string
  onClosed: () => void
}

export function AcceptPlaceDialog({ noun, name, medium, place, where, onClosed }: AcceptPlaceDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(AcceptPlace)
  const [typed, setTyped] = useState('')
  const matches = confirmation(typed, name) === 'same'
  const accept = async () => {
    if (matches && (await submit(() => ({ input: place })))) dialog.close()
  }
  return (
    <Dialog
      {...dialog.props}
      alert
      title={`Accept this ${noun} as it is?`}
      description={
        <>
          <bdi className="font-medium text-ink">{name}</bdi>
          {where && <> on <bdi className="font-mono">{where}</bdi></>}
          {acceptWords(medium)}
        </>
      }
      onSubmit={() => void accept()}
      actions={
        <Button kind="danger" type="submit" pending={pending} reason={matches ? null : `Type the ${noun}’s name first.`}>
          Accept this place
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      <ConfirmName name={name} typed={typed} onType={setTyped} />
    </Dialog>
  )
}
