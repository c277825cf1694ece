/** The page when not even the first answer came. */

import { ServerCrash } from 'lucide-react'

import type { Failure } from '~/api/failure'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { useTitle } from '~/parts/use-title'

export function Unreachable({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
  useTitle('Not reachable')
  return (
    <main className="mx-auto max-w-lg px-4 pt-[20vh]">
      <h1 className="sr-only">The panel cannot reach the server</h1>
      <Empty icon={<ServerCrash size={20} />} title="The server does not answer" action={<Button kind="primary" onClick={onRetry}>Try again</Button>}>
        Your volumes and their data are not affected. {failure.requestId && <span className="font-mono text-small">{failure.requestId}</span>}
      </Empty>
    </main>
  )
}
