/** The status of an operation. */

import { Status } from '~/parts/status'

export function OperationStatus({ status }: { status: string }) {
  switch (status) {
    case 'PENDING':
      return <Status tone="info" moving>Queued</Status>
    case 'STARTED':
      return <Status tone="info" moving>Running</Status>
    case 'COMPLETED':
      return <Status tone="plain">Done</Status>
    case 'FAILED':
      return <Status tone="bad">Failed</Status>
    case 'CANCELLED':
      return <Status tone="neutral">Cancelled</Status>
    default:
      return <Status tone="neutral">{status}</Status>
  }
}
