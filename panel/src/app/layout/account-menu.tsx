/** Who is signed in, and the way out. */

import { Menu } from '@base-ui/react/menu'
import { LogOut } from 'lucide-react'
import { useMutation } from 'urql'

import { graphql } from '~/api/graphql'
import { toasts } from '~/lib/toasts'

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
    <Menu.Root modal={false}>
      <Menu.Trigger
        aria-label={`${initials}: account of ${email}`}
        className="inline-flex size-9 shrink-0 items-center justify-center rounded-full"
      >
        <span className="inline-flex size-7 items-center justify-center rounded-full bg-accent-soft text-meta font-medium text-accent-text">
          {initials}
        </span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-20 outline-none">
          <Menu.Popup className="w-60 rounded-card border border-line bg-surface p-1 shadow-popup">
            <div className="border-b border-line px-3 py-2 text-small anywhere">
              <p className="font-medium">{email}</p>
              <p className="text-ink-3">{viewer.account.name}</p>
            </div>
            <Menu.Item
              onClick={() => void leave()}
              className="mt-1 flex h-9 cursor-pointer items-center gap-3 rounded-field px-3 text-body outline-none data-highlighted:bg-hover"
            >
              <LogOut size={16} className="text-ink-3" aria-hidden />
              Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}
