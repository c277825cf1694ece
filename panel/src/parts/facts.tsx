/** The facts of a page, in a line below its title. */

import type { ReactNode } from 'react'

export interface Fact {
  label: string
  value: ReactNode
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="flex flex-wrap gap-x-10 gap-y-4">
      {facts.map((fact) => (
        <div key={fact.label} className="min-w-0">
          <dt className="text-small text-ink-3">{fact.label}</dt>
          <dd className="text-body font-medium nums anywhere">{fact.value}</dd>
        </div>
      ))}
    </dl>
  )
}
