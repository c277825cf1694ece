/** What stands in the place of a list that has nothing: what it is for, and the way to the first. */

import type { ReactNode } from 'react'

import { useHandOnFocus } from './page-heading'

interface EmptyProps {
  icon: ReactNode
  title: string
  children: ReactNode
  action?: ReactNode
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  const empty = useHandOnFocus<HTMLDivElement>()
  return (
    <div
      ref={empty}
      className="flex flex-col items-center rounded-card border border-dashed border-line-strong/50 px-5 py-14 text-center"
    >
      <div className="mb-5 flex size-11 items-center justify-center rounded-card border border-line bg-surface text-ink-2 shadow-card" aria-hidden="true">
        {icon}
      </div>
      <h2 className="text-heading font-semibold">{title}</h2>
      <p className="mt-1 max-w-[26rem] text-body text-balance text-ink-2">{children}</p>
      {action && <div className="mt-5">{action}</div>}
    </div>
  )
}
