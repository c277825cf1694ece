/** Ends one of the viewer's other sessions. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { formatInstant } from '~/lib/instant'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const EndSession = graphql(`
  mutation EndSession($input: EndSessionInput!) {
    endSession(input: $input) {
      session { id }
    }
  }
`)

interface EndSessionDialogProps {
  session: { id: string; createdAt: string }
  onClosed: () => void
}

export function EndSessionDialog({ session, onClosed }: EndSessionDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(EndSession)
  const end = async () => {
    if (await submit(() => ({ input: { sessionId: session.id } }))) dialog.close()
  }
  return (
    <ConfirmDialog dialog={dialog.props} danger title="End this session?" action="End session" pending={pending} failure={failure} onConfirm={() => void end()}>
      {`What signed in at ${formatInstant(Date.parse(session.createdAt))}, a browser or a program, is signed out at once. Operations that it started go on.`}
    </ConfirmDialog>
  )
}
