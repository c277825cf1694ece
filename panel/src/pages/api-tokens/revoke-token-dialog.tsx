/** Revokes an API token. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const RevokeApiToken = graphql(`
  mutation RevokeApiToken($input: RevokeApiTokenInput!) {
    revokeApiToken(input: $input) {
      apiToken { id }
    }
  }
`)

interface RevokeTokenDialogProps {
  token: { id: string; name: string }
  onClosed: () => void
}

export function RevokeTokenDialog({ token, onClosed }: RevokeTokenDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(RevokeApiToken)
  const revoke = async () => {
    if (await submit(() => ({ input: { apiTokenId: token.id } }))) dialog.close()
  }
  return (
    <ConfirmDialog dialog={dialog.props} danger title={<>Revoke <bdi>{token.name}</bdi>?</>} action="Revoke token" pending={pending} failure={failure} onConfirm={() => void revoke()}>
      Whatever uses it is signed out at once. Operations that it started go on.
    </ConfirmDialog>
  )
}
