/** Ends all sessions of a user. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { counted } from '~/lib/pages'
import { toasts } from '~/lib/toasts'
import { ConfirmDialog } from '~/parts/confirm-dialog'
import { useDialog } from '~/parts/use-dialog'

const EndSessions = graphql(`
  mutation EndSessions($input: EndSessionsInput!) {
    endSessions(input: $input) {
      user { id }
      endedSessions
    }
  }
`)

interface EndSessionsDialogProps {
  user: { id: string; email: string }
  onClosed: () => void
}

export function EndSessionsDialog({ user, onClosed }: EndSessionsDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(EndSessions)
  const end = async () => {
    const done = await submit(() => ({ input: { userId: user.id } }))
    if (!done) return
    toasts.add({ tone: 'ok', title: `${counted(done.endSessions?.endedSessions ?? 0, 'session')} ended`, detail: user.email })
    dialog.close()
  }
  return (
    <ConfirmDialog dialog={dialog.props} danger title={<>End all sessions of <bdi>{user.email}</bdi>?</>} action="End sessions" pending={pending} failure={failure} onConfirm={() => void end()}>
      Every browser in which it is signed in asks for the password again. Its API tokens stay, and operations that it started go on.
    </ConfirmDialog>
  )
}
