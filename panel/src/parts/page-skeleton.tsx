/** The shape of a page of one thing while it is loaded. */

import { Skeleton, TableSkeleton } from './skeleton'

export function PageSkeleton({ what }: { what: string }) {
  return (
    <div>
      <h1 className="sr-only">Loading {what}…</h1>
      <Skeleton className="h-7 w-52" />
      <Skeleton className="mt-3 h-4 w-64" />
      <div className="mt-7 flex flex-wrap gap-10 pb-6">
        {['w-20', 'w-24', 'w-16', 'w-24'].map((width, i) => (
          <Skeleton key={i} className={`h-9 ${width}`} />
        ))}
      </div>
      <TableSkeleton />
    </div>
  )
}
