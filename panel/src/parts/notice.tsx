/** A box that says what stands in the way, and offers the way out. */

import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

import { cx } from './cx'

type Tone = 'info' | 'warn' | 'bad'

const TONES: Record<Tone, string> = {
  info: 'bg-accent-soft [--mark:var(--accent-text)]',
  warn: 'bg-warn-soft [--mark:var(--warn)]',
  bad: 'bg-bad-soft [--mark:var(--bad)]',
}

const ICONS = { info: Info, warn: TriangleAlert, bad: CircleAlert }

interface NoticeProps {
  tone: Tone
  title?: ReactNode
  children?: ReactNode
  actions?: ReactNode
  icon?: ReactNode
  /** It appears as an answer to something: screen readers say it, or say it in their time. */
  live?: boolean | 'status'
}

export function Notice({ tone, title, children, actions, icon, live }: NoticeProps) {
  const Icon = ICONS[tone]
  return (
    <div role={live === 'status' ? 'status' : live ? 'alert' : undefined} className={cx('flex gap-3 rounded-card p-4 text-small', TONES[tone])}>
      <span className="flex h-5 shrink-0 items-center text-(--mark)" aria-hidden="true">
        {icon ?? <Icon size={16} />}
      </span>
      <div className="min-w-0 flex-1 anywhere">
        {title && <p className="font-medium text-ink">{title}</p>}
        {children && <div className="text-ink-2">{children}</div>}
        {actions && <div className="mt-3 flex flex-wrap gap-2">{actions}</div>}
      </div>
    </div>
  )
}
