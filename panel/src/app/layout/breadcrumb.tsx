/** Where the page stands: lists name themselves, and pages of one thing name it when they know it. */

import { Link, useRouterState } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { useEffect, useSyncExternalStore } from 'react'

import { useIsAdmin } from '../session'

import { navigation } from './navigation'

let current = ''
const listeners = new Set<() => void>()

function set(name: string): void {
  current = name
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Puts `name` behind the list's in the top bar, as long as the page is there. */
export function useBreadcrumb(name: string): void {
  useEffect(() => {
    set(name)
    return () => set('')
  }, [name])
}

export function Breadcrumb() {
  const path = useRouterState({ select: (state) => state.location.pathname })
  const name = useSyncExternalStore(subscribe, () => current)
  const items = navigation(useIsAdmin()).flatMap((group) => group.items)
  const list = items.find((item) => path === item.to || path.startsWith(`${item.to}/`))
  if (!list) return <span />
  return (
    <nav aria-label="Breadcrumb" className="min-w-0">
      <ol className="flex min-w-0 items-center gap-2 text-body">
        <li className="shrink-0">
          {name ? (
            <Link to={list.to} className="rounded-chip text-ink-3 hover:text-ink">
              {list.label}
            </Link>
          ) : (
            <span aria-current="page">{list.label}</span>
          )}
        </li>
        {name && (
          <li className="flex min-w-0 items-center gap-2">
            <ChevronRight size={16} className="shrink-0 text-ink-3" aria-hidden />
            <span aria-current="page" className="truncate" title={name}>
              <bdi>{name}</bdi>
            </span>
          </li>
        )}
      </ol>
    </nav>
  )
}
