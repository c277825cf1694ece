/** What a volume is about, in a pill. */

import { operationWords } from '~/lib/operation-words'
import { Status } from '~/parts/status'

interface VolumeStatusProps {
  status: string
  dataState: string
  activeOperation: { kind: string } | null
  /** In a list, what is well is plain. */
  quiet?: boolean
}

const MOVING: Record<string, string> = { CREATING: 'Creating', RESTORING: 'Restoring', DELETING: 'Deleting' }

export function VolumeStatus({ status, dataState, activeOperation, quiet }: VolumeStatusProps) {
  const moving = MOVING[status]
  if (moving) return <Status tone="info" moving>{moving}</Status>
  if (status === 'FAILED') return <Status tone="bad">Failed</Status>
  if (activeOperation) {
    return (
      <Status tone="info" moving>
        {quiet ? operationWords(activeOperation.kind).noun : 'Busy'}
      </Status>
    )
  }
  if (dataState === 'INCONSISTENT') return <Status tone="bad">Partly overwritten</Status>
  if (status === 'ATTACHED') return quiet ? <Status tone="plain">In use</Status> : <Status tone="ok">In use</Status>
  if (status === 'AVAILABLE') return quiet ? <Status tone="plain">Available</Status> : <Status tone="neutral">Available</Status>
  return <Status tone="neutral">{status}</Status>
}
