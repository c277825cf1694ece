/** What something is about: quiet when well, a filled pill for what is not. */

import type { ReactNode } from 'react'

import { cx } from './cx'
import { Spinner } from './spinner'

export type Tone = 'plain' | 'ok' | 'info' | 'warn' | 'bad' | 'neutral'

const PILLS: Record<Exclude<Tone, 'plain'>, string> = {
  ok: 'bg-ok-soft text-ok',
  info: 'bg-accent-soft text-accent-text',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  neutral: 'bg-sunken text-ink-2 dark:bg-hover',
}

interface StatusProps {
  tone: Tone
  /** It will be another in a moment. */
  moving?: boolean
  children: ReactNode
}

export function Status({ tone, moving, children }: StatusProps) {
  const dot = <span className={cx('size-1.5 shrink-0 rounded-full', tone === 'plain' ? 'bg-ok' : 'bg-current')} aria-hidden="true" />
  const mark = moving ? <Spinner className="size-3" /> : dot
  if (tone === 'plain') {
    return (
      <span className="inline-flex items-center gap-2 text-small whitespace-nowrap text-ink-2">
        {mark}
        {children}
      </span>
    )
  }
  return (
    <span className={cx('inline-flex h-6 items-center gap-1.5 rounded-full px-2.5 text-meta font-medium whitespace-nowrap', PILLS[tone])}>
      {mark}
      {children}
    </span>
  )
}
