/** Who is signed in, the way to how they sign in, and the way out. */

import { Link } from '@tanstack/react-router'
import { LogOut, ShieldCheck } from 'lucide-react'
import { useRef } from 'react'
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
  const menu = useRef<HTMLDivElement>(null)
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
        ref={menu}
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
        <Link
          to="/security"
          onClick={() => menu.current?.hidePopover()}
          className="mt-1 flex h-9 items-center gap-2 rounded-field px-3 text-body font-medium text-ink-2 hover:bg-hover hover:text-ink"
        >
          <ShieldCheck size={16} aria-hidden />
          Security
        </Link>
        <Button kind="quiet" className="w-full justify-start! px-3!" icon={<LogOut size={16} aria-hidden />} onClick={() => void leave()}>
          Sign out
        </Button>
      </div>
    </>
  )
}
