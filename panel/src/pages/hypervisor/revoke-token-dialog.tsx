/** Ends what the agent of a hypervisor signs in with. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const RevokeAgentToken = graphql(`
  mutation RevokeAgentToken($input: RevokeAgentTokenInput!) {
    revokeAgentToken(input: $input) {
      hypervisor { id status }
    }
  }
`)

interface RevokeTokenDialogProps {
  hypervisor: { id: string; name: string }
  onClosed: () => void
}

export function RevokeTokenDialog({ hypervisor, onClosed }: RevokeTokenDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(RevokeAgentToken)
  const revoke = async () => {
    if (await submit(() => ({ input: { hypervisorId: hypervisor.id } }))) dialog.close()
  }
  return (
    <ConfirmDialog
      dialog={dialog.props}
      danger
      title={<>Revoke the agent’s token of <bdi>{hypervisor.name}</bdi>?</>}
      action="Revoke token"
      pending={pending}
      failure={failure}
      onConfirm={() => void revoke()}
    >
      Its agent is shut out at once. What it works on is given up when its lease is over, and what waits for it waits on, until an agent signs in with a new enrolment token.
    </ConfirmDialog>
  )
}
