/** A box on the canvas; its foot is a quieter strip below a line. */

import type { ReactNode } from 'react'

import { cx } from './cx'

export function Card({ children, foot, className }: { children: ReactNode; foot?: ReactNode; className?: string }) {
  return (
    <div className={cx('overflow-clip rounded-card border border-line bg-surface shadow-card', className)}>
      {children}
      {foot && <div className="border-t border-line bg-canvas px-5 py-3 text-small text-ink-2">{foot}</div>}
    </div>
  )
}
