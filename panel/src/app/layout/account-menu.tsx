/** Who is signed in, and the way out. */

import { LogOut } from 'lucide-react'
import { useMutation } from 'urql'

import { graphql } from '~/api/graphql'
import { toasts } from '~/lib/toasts'
import { Button } from '~/parts/button'

import { useSession } from '../session'

const SignOut = graphql(`
  mutation SignOut {
    signOut
  }
`)

export function AccountMenu() {
  const { viewer, end } = useSession()
  const [, signOut] = useMutation(SignOut)
  const { email } = viewer.user
  const initials = email.slice(0, 2).toUpperCase()
  const leave = async () => {
    const { error } = await signOut({})
    if (error?.networkError) toasts.add({ tone: 'bad', title: 'You are still signed in', detail: 'The request did not reach the server.' })
    else end()
  }
  return (
    <>
      <button
        type="button"
        popoverTarget="account"
        aria-label={`${initials}: account of ${email}`}
        className="inline-flex size-9 shrink-0 items-center justify-center rounded-full"
      >
        <span className="inline-flex size-7 items-center justify-center rounded-full bg-accent-soft text-meta font-medium text-accent-text">
          {initials}
        </span>
      </button>
      {/* The browser opens and closes it, and gives the focus back. */}
      <div
        id="account"
        popover="auto"
        role="dialog"
        aria-label="Account"
        className="fixed inset-auto top-12 right-4 m-0 w-60 rounded-card border border-line bg-surface p-1 text-ink shadow-popup md:right-8"
      >
        <div className="border-b border-line px-3 py-2 text-small anywhere">
          <p className="font-medium">{email}</p>
          <p className="text-ink-3">{viewer.account.name}</p>
        </div>
        <Button kind="quiet" className="mt-1 w-full justify-start! px-3!" icon={<LogOut size={16} aria-hidden />} onClick={() => void leave()}>
          Sign out
        </Button>
      </div>
    </>
  )
}
