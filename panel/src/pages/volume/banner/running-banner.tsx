/** An operation that waits or runs: how far, how fast, how long yet, and in which step. */

import type { OperationFacts } from '~/api/operation'
import { type BannerState, troubleWords } from '~/lib/banner'
import { formatBytes, formatRate } from '~/lib/bytes'
import { formatDuration, formatTimeLeft } from '~/lib/duration'
import { attemptWords, operationWords } from '~/lib/operation-words'
import { waitingWords } from '~/lib/waiting'
import { type Meter, rateOf, timeLeft } from '~/lib/rate'
import { ProgressBar } from '~/parts/progress-bar'
import { Sparkline } from '~/parts/sparkline'
import { Spinner } from '~/parts/spinner'

import type { VolumeDetail } from '../volume-query'

import { BannerFrame } from './banner-frame'
import { Foot } from './foot'

type State = Extract<BannerState<OperationFacts>, { kind: 'queued' | 'running' }>

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
  const right = trouble?.kind === 'lost' ? troubleWords(trouble) : rightOf(state, eta, now)

  const words = operationWords(operation.kind)
  const percent = Math.floor(progress.percent)
  return (
    <BannerFrame
      title={words.running}
      subject={operation.subjectName}
      line={below(state, volume)}
      right={
        bar === 'determinate' ? (
          <p className="shrink-0 text-progress font-semibold nums" aria-hidden="true">
            {percent}
            <span className="text-body font-normal tracking-normal text-ink-3">%</span>
          </p>
        ) : (
          !trouble && <Spinner className="mt-1 size-5 text-bar" />
        )
      }
      bar={
        <ProgressBar
          name={words.running}
          value={bar === 'determinate' ? progress.percent : undefined}
          text={bar === 'determinate' ? `${percent} %, ${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}, ${eta}` : right}
          frozen={trouble !== undefined}
        />
      }
      figures={
        <>
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
        </>
      }
      foot={<Foot operation={operation} now={now} />}
    />
  )
}

function queuedWords({ waiting, hypervisor }: OperationFacts, volume: VolumeDetail): string {
  return waiting ? waitingWords(waiting, hypervisor?.name) : `Waiting for a hypervisor of ${volume.hypervisorGroup.name} to start.`
}

function below(state: State, volume: VolumeDetail): string {
  if (state.kind === 'queued') return [`Queued. ${queuedWords(state.operation, volume)}`, attemptWords(state.operation)].filter(Boolean).join(' ')
  const overwrites = state.operation.kind === 'RESTORE_IN_PLACE' && 'The volume is being overwritten and can’t be attached until this finishes.'
  const attempt = attemptWords(state.operation)
  if (state.trouble?.kind === 'stalled') return [attempt, troubleWords(state.trouble)].filter(Boolean).join(' ')
  if (state.trouble?.kind === 'waits') return [attempt, troubleWords(state.trouble), overwrites].filter(Boolean).join(' ')
  return [attempt, overwrites || 'Runs in the background. You can leave this page.'].filter(Boolean).join(' ')
}

function rightOf(state: State, eta: string, now: number): string {
  if (state.kind === 'queued') return `Waiting ${formatDuration(now - Date.parse(state.operation.createdAt))}`
  if (state.trouble) return `${formatDuration(now - Date.parse(state.operation.startedAt ?? state.operation.createdAt))} so far`
  if (state.bar === 'closing') return 'Almost done'
  return state.bar === 'determinate' ? eta : ''
}
