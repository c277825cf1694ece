/** The shape of a volume's page while it is loaded. */

import { Skeleton, TableSkeleton } from '~/parts/skeleton'

export function VolumeSkeleton() {
  return (
    <div>
      <h1 className="sr-only">Loading volume…</h1>
      <Skeleton className="h-7 w-52" />
      <Skeleton className="mt-3 h-4 w-64" />
      <div className="mt-7 flex flex-wrap gap-10 pb-6">
        {['w-14', 'w-20', 'w-24', 'w-16', 'w-24'].map((width, i) => (
          <Skeleton key={i} className={`h-9 ${width}`} />
        ))}
      </div>
      <div className="mb-6 h-10 border-b border-line" />
      <TableSkeleton />
    </div>
  )
}
