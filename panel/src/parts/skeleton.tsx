/** The grey shape of what is being loaded. It appears only if that takes a moment. */

import { cx } from './cx'

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={cx('animate-late rounded-chip bg-track/60', className)} />
}

/** The shape of a table of so many rows. */
export function TableSkeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div aria-hidden="true" className="animate-late rounded-card border border-line bg-surface">
      <div className="h-9" />
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-14 items-center gap-4 border-t border-line px-4">
          <div className="h-3 w-40 rounded-chip bg-track/60" />
          <div className="ml-auto h-3 w-24 rounded-chip bg-track/60" />
        </div>
      ))}
    </div>
  )
}
