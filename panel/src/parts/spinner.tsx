/** A ring that turns: something is under way. It stands beside words that say what. */

import { cx } from './cx'

export function Spinner({ className }: { className?: string }) {
  return (
    <svg className={cx('size-3.5 shrink-0 animate-spin', className)} viewBox="0 0 16 16" fill="none" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" stroke="currentColor" strokeWidth="2.5" opacity="0.25" />
      <path d="M8 1.75A6.25 6.25 0 0 1 14.25 8" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" />
    </svg>
  )
}
