/** What could not be loaded, why, and another try. */

import { TriangleAlert } from 'lucide-react'

import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'

interface ErrorStateProps {
  /** What could not be loaded: "volume". */
  what: string
  /** Of the failure. */
  code?: string
  requestId?: string
  /** Another try is under way. */
  pending?: boolean
  onRetry: () => void
}

export function ErrorState({ what, code, requestId, pending, onRetry }: ErrorStateProps) {
  const cause = code === 'UNREACHABLE' ? 'The server does not answer.' : 'The server answered with an error.'
  return (
    <>
      <h1 className="sr-only">This {what} could not be loaded</h1>
      <Empty
        icon={<TriangleAlert size={20} />}
        title={`This ${what} could not be loaded`}
        action={
          <Button kind="primary" pending={pending} onClick={onRetry}>
            Try again
          </Button>
        }
      >
        {cause} Your volumes and their data are not affected.
        {requestId && <span className="mt-2 block font-mono text-small text-ink-3">{requestId}</span>}
      </Empty>
    </>
  )
}
