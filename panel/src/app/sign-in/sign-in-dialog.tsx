/** The sign-in over a page whose session has ended. The page keeps its place. */

import { Dialog } from '@base-ui/react/dialog'

import { SignInForm } from './sign-in-form'

export function SignInDialog({ email, onSignedIn }: { email: string; onSignedIn: () => void }) {
  return (
    <Dialog.Root open disablePointerDismissal>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-scrim" />
        <Dialog.Popup className="fixed top-[46%] left-1/2 z-40 w-[calc(100vw-2rem)] max-w-[25rem] -translate-1/2 rounded-card bg-surface p-6 shadow-popup dark:border dark:border-line">
          <Dialog.Title className="text-heading font-semibold">You are signed out</Dialog.Title>
          <Dialog.Description className="mt-1 mb-5 text-body text-ink-2">
            Your session has ended. Operations that were started go on.
          </Dialog.Description>
          <SignInForm email={email} onSignedIn={onSignedIn} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
