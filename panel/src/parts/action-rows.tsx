/** What can be done with the thing of a page once in a long while, each with what it means and its button. */

import type { ReactNode } from 'react'

import { Card } from './card'

export function ActionRows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Card>
      <section aria-label={label} className="divide-y divide-line">
        {children}
      </section>
    </Card>
  )
}

interface ActionRowProps {
  title: string
  /** What it means. */
  children: ReactNode
  action: ReactNode
}

export function ActionRow({ title, children, action }: ActionRowProps) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-4 p-5">
      <div className="min-w-0 max-w-[40rem]">
        <h2 className="font-semibold">{title}</h2>
        <p className="mt-1 text-small text-ink-2">{children}</p>
      </div>
      {action}
    </div>
  )
}
