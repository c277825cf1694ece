/** The title row of a page. Its words are the document's title too, and get the focus when the page opens. */

import { type ReactNode, useEffect, useRef } from 'react'

import { arrival } from '~/lib/arrival'

import { cx } from './cx'
import { useTitle } from './use-title'

interface PageTitleProps {
  title: string
  /** What the document's title says between this one and the product: "Volumes". */
  section?: string
  status?: ReactNode
  below?: ReactNode
  actions?: ReactNode
  mono?: boolean
}

export function PageTitle({ title, section, status, below, actions, mono }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useTitle(title, section)
  useEffect(() => {
    // Screen readers say where a link has led; a dialog over the page keeps its focus.
    if (arrival.byLink && !document.activeElement?.closest('[role=dialog]')) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-4">
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h1 ref={heading} tabIndex={-1} className={cx('text-title anywhere', mono ? 'font-mono font-medium' : 'font-semibold')}>
            <bdi>{title}</bdi>
          </h1>
          {status}
        </div>
        {below && <div className="mt-1 text-small text-ink-3">{below}</div>}
      </div>
      {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
    </div>
  )
}
