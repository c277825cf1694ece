/** Asks before a page is left on which something was changed and not saved. */

import { useBlocker } from '@tanstack/react-router'

import { ConfirmDialog } from './confirm-dialog'

export function Unsaved({ changed, what }: { changed: boolean; what: string }) {
  const blocker = useBlocker({
    // Another tab of the same page keeps what was typed.
    shouldBlockFn: ({ current, next }) => changed && current.pathname !== next.pathname,
    enableBeforeUnload: changed,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  const { proceed, reset } = blocker
  return (
    <ConfirmDialog
      dialog={{ open: true, onClose: reset, onClosed: () => {} }}
      title="Leave without saving?"
      action="Leave"
      keep="Stay here"
      pending={false}
      failure={undefined}
      onConfirm={proceed}
    >
      {what}
    </ConfirmDialog>
  )
}
