/** How far an operation is that has not ended, and whether it stands still. */

import { useApi, useLinkState, useServerTime } from '~/api/context'
import { troubleOf, troubleWords } from '~/lib/banner'
import { formatBytes, formatRate } from '~/lib/bytes'
import { formatTimeLeft } from '~/lib/duration'
import { attemptWords, operationWords } from '~/lib/operation-words'
import { waitingWords } from '~/lib/waiting'
import type { QueuedOperation } from '~/pages/queue/queue-query'
import { Card } from '~/parts/card'
import { ProgressBar } from '~/parts/progress-bar'

export function ProgressSection({ operation }: { operation: QueuedOperation }) {
  const { operations } = useApi()
  const linkLost = useLinkState() === 'lost'
  useServerTime('second')
  const { progress, status, kind, hypervisor } = operation
  const { bytesDone, bytesTotal, bytesPerSecond, etaSeconds, percent, phase } = progress
  const waits = status === 'PENDING'
  const known = !waits && bytesTotal > 0
  const done = known ? `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}` : ''
  const trouble = waits && !linkLost ? undefined : troubleOf({ linkLost, silentFor: operations.silence(operation.id, linkLost), phase })
  const place = waits ? (operation.waiting ? waitingWords(operation.waiting, hypervisor.name) : `Waiting for ${hypervisor.name} to start.`) : `On ${hypervisor.name}.`
  return (
    <Card>
      <div className="flex flex-col gap-4 px-5 py-4">
        <div className="flex items-start justify-between gap-4">
          <div className="min-w-0">
            <p className="text-body font-semibold">{waits ? 'Queued' : phase}</p>
            <p className="mt-0.5 text-small text-ink-2 anywhere">{[place, attemptWords(operation), trouble?.kind === 'waits' && trouble.words].filter(Boolean).join(' ')}</p>
          </div>
          {known && (
            <p className="shrink-0 text-progress font-semibold nums" aria-hidden="true">
              {Math.floor(percent)}
              <span className="text-body font-normal tracking-normal text-ink-3">%</span>
            </p>
          )}
        </div>
        <ProgressBar
          name={operationWords(kind).running}
          value={known ? percent : undefined}
          text={known ? `${Math.floor(percent)} %, ${done}` : phase}
          frozen={trouble !== undefined}
        />
        <div className="flex min-h-5 flex-wrap gap-x-5 gap-y-1 text-small text-ink-2 nums">
          {done && <span>{done}</span>}
          {!trouble && bytesPerSecond !== null && <span>{formatRate(bytesPerSecond)}</span>}
          {!trouble && etaSeconds !== null && <span className="sm:ml-auto">{formatTimeLeft(etaSeconds * 1000)}</span>}
          {trouble && trouble.kind !== 'waits' && <span className="text-warn sm:ml-auto">{troubleWords(trouble)}</span>}
        </div>
      </div>
    </Card>
  )
}
