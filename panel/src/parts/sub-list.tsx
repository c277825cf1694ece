/** A list on the page of something else, with a title of its own. */

import type { ReactNode } from 'react'

interface SubListProps {
  title: string
  action?: ReactNode
  /** What stands in the place of a list that has nothing. */
  empty?: ReactNode
  children: ReactNode
}

export function SubList({ title, action, empty, children }: SubListProps) {
  return (
    <section aria-label={title} className="flex flex-col gap-3">
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 className="text-heading font-semibold">{title}</h2>
        {action}
      </div>
      {empty ? <p className="rounded-card border border-dashed border-line-strong/50 p-5 text-small text-ink-2">{empty}</p> : children}
    </section>
  )
}
