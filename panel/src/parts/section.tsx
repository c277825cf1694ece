/** A card with a title of its own, what can be done with it at the right, and a quieter foot. */

import type { ReactNode } from 'react'

import { Card } from './card'

interface SectionProps {
  title: string
  /** What it is, in a line. */
  about?: ReactNode
  actions?: ReactNode
  foot?: ReactNode
  children?: ReactNode
}

export function Section({ title, about, actions, foot, children }: SectionProps) {
  return (
    <Card foot={foot}>
      <section aria-label={title} className="flex flex-col gap-4 p-5">
        <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
          <div className="min-w-0">
            <h2 className="text-body font-semibold">{title}</h2>
            {about && <p className="mt-0.5 text-small text-ink-2 anywhere">{about}</p>}
          </div>
          {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
        </div>
        {children}
      </section>
    </Card>
  )
}
