/** An operation that waits or runs: how far, how fast, how long yet, and in which step. */

import type { BannerState } from '~/lib/banner'
import { formatBytes, formatRate } from '~/lib/bytes'
import { formatDuration, formatTimeLeft } from '~/lib/duration'
import { operationWords } from '~/lib/operation-words'
import { type Meter, rateOf, timeLeft } from '~/lib/rate'
import { Card } from '~/parts/card'
import { ProgressBar } from '~/parts/progress-bar'
import { Sparkline } from '~/parts/sparkline'
import { Spinner } from '~/parts/spinner'

import type { OperationOnBanner, VolumeDetail } from '../volume-query'

import { Foot } from './foot'
import { subjectOf } from './subject'

type State = Extract<BannerState<OperationOnBanner>, { kind: 'queued' | 'running' }>

/** So long after its start, nothing is said of when it ends. */
const TOO_EARLY = 4_000

interface RunningBannerProps {
  state: State
  volume: VolumeDetail
  meter: Meter
  now: number
}

export function RunningBanner({ state, volume, meter, now }: RunningBannerProps) {
  const { operation } = state
  const { progress } = operation
  // Just opened, the page has seen nothing yet; the gateway has.
  const rate = (meter.of === operation.id ? rateOf(meter.samples, now) : undefined) ?? progress.bytesPerSecond ?? undefined
  const bar = state.kind === 'queued' ? 'unknown' : state.bar
  const trouble = state.kind === 'running' ? state.trouble : undefined
  const left = timeLeft(progress.bytesDone, progress.bytesTotal, rate)
  const runsFor = now - Date.parse(operation.startedAt ?? operation.createdAt)
  const eta = runsFor < TOO_EARLY || left === undefined ? 'Estimating…' : formatTimeLeft(left)
  const right = trouble?.kind === 'lost' ? `Connection lost. Last update ${formatDuration(trouble.forMs)} ago.` : rightOf(state, eta, now)

  return (
    <Card foot={<Foot state={state} now={now} />}>
      <div className="px-5 pt-4 pb-4">
        <div className="flex items-start justify-between gap-4">
          <div className="min-w-0">
            <p className="text-body text-ink-2 anywhere">
              <span className="font-semibold text-ink">{operationWords(operation.kind).running}</span>
              {` · ${subjectOf(operation)}`}
            </p>
            <p className="mt-0.5 text-small text-ink-2">{below(state, volume)}</p>
          </div>
          {bar === 'determinate' ? (
            <p className="shrink-0 text-progress font-semibold nums" aria-hidden="true">
              {Math.floor(progress.percent)}
              <span className="text-body font-normal tracking-normal text-ink-3">%</span>
            </p>
          ) : (
            !trouble && <Spinner className="mt-1 size-5 text-bar" />
          )}
        </div>
        <ProgressBar
          name={operationWords(operation.kind).running}
          value={bar === 'determinate' ? progress.percent : undefined}
          text={bar === 'determinate' ? `${Math.floor(progress.percent)} %, ${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}, ${eta}` : right}
          frozen={trouble !== undefined}
          className="mt-4"
        />
        <div className="mt-3 flex min-h-6 flex-wrap items-center gap-x-5 gap-y-2 text-small text-ink-2 nums">
          {state.kind === 'running' && progress.bytesDone > 0 && (
            <span>
              <span className="font-medium text-ink">{formatBytes(progress.bytesDone)}</span>
              {progress.bytesTotal > 0 ? ` of ${formatBytes(progress.bytesTotal)}` : ' so far'}
            </span>
          )}
          {!trouble && bar !== 'closing' && rate !== undefined && rate > 0 && (
            <>
              <span>{formatRate(rate)}</span>
              {meter.of === operation.id && meter.history.length >= 6 && <Sparkline values={meter.history} />}
            </>
          )}
          <span className={trouble ? 'text-warn sm:ml-auto' : 'sm:ml-auto'}>{right}</span>
        </div>
      </div>
    </Card>
  )
}

function below(state: State, volume: VolumeDetail): string {
  if (state.kind === 'queued') return `Queued. Waiting for a hypervisor of ${volume.hypervisorGroup.name} to start.`
  if (state.trouble?.kind === 'stalled') {
    return `No progress for ${formatDuration(state.trouble.forMs)}. The hypervisor may be slow or offline.`
  }
  if (state.operation.kind === 'RESTORE_IN_PLACE') {
    return 'The volume is being overwritten and can’t be attached until this finishes.'
  }
  return 'Runs in the background. You can leave this page.'
}

function rightOf(state: State, eta: string, now: number): string {
  if (state.kind === 'queued') return `Waiting ${formatDuration(now - Date.parse(state.operation.createdAt))}`
  if (state.trouble) return `${formatDuration(now - Date.parse(state.operation.startedAt ?? state.operation.createdAt))} so far`
  if (state.bar === 'closing') return 'Almost done'
  return state.bar === 'determinate' ? eta : ''
}
