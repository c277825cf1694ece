/** The status of a snapshot or backup. */

import { Status } from '~/parts/status'

const MOVING: Record<string, string> = {
  PENDING: 'Pending',
  CREATING: 'Creating',
  RESTORING: 'Restoring',
  DELETING: 'Deleting',
}

export function ItemStatus({ status }: { status: string }) {
  if (status === 'AVAILABLE') return <Status tone="plain">Available</Status>
  if (status === 'FAILED') return <Status tone="bad">Failed</Status>
  const words = MOVING[status]
  // A newer gateway may know more.
  if (!words) return <Status tone="neutral">{status}</Status>
  return (
    <Status tone="info" moving>
      {words}
    </Status>
  )
}
