/** Makes a new token for the agent of a hypervisor, and shows it, once. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { tokenDialog } from '~/pages/hypervisors/enrolment-token'
import { TokenPlace } from '~/pages/hypervisors/token-place'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Secret } from '~/parts/secret'
import { useDialog } from '~/parts/use-dialog'

const CreateEnrolmentToken = graphql(`
  mutation CreateEnrolmentToken($input: CreateEnrolmentTokenInput!) {
    createEnrolmentToken(input: $input) {
      hypervisor { id }
      enrolmentToken
    }
  }
`)

interface EnrolmentTokenDialogProps {
  hypervisor: { id: string; name: string }
  onClosed: () => void
}

export function EnrolmentTokenDialog({ hypervisor, onClosed }: EnrolmentTokenDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateEnrolmentToken)
  const [token, setToken] = useState<string>()
  const create = async () => {
    const done = await submit(() => ({ input: { hypervisorId: hypervisor.id } }))
    if (done) setToken(done.createEnrolmentToken?.enrolmentToken)
  }
  if (token !== undefined) {
    return (
      <Dialog {...dialog.props} {...tokenDialog(hypervisor.name)} onSubmit={dialog.close}>
        <Secret label="Enrolment token" value={token} />
        <TokenPlace />
      </Dialog>
    )
  }
  return (
    <Dialog
      {...dialog.props}
      hold={pending}
      title={<>Make a new enrolment token for <bdi>{hypervisor.name}</bdi>?</>}
      description="By it an agent enrols as this hypervisor’s. It is shown once. Tokens that there are stay valid."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending}>
          Make a token
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
    </Dialog>
  )
}
