/** The steps of an operation, who asked for it and when. */

import { Check, Circle } from 'lucide-react'

import { useViewer } from '~/app/session'
import { type BannerState, type Step, stepsOf } from '~/lib/banner'
import { formatDuration } from '~/lib/duration'
import { TextLink } from '~/parts/text-link'

import type { OperationOnBanner } from '../volume-query'

import { CancelButton } from './cancel-button'

interface FootProps {
  state: Extract<BannerState<OperationOnBanner>, { kind: 'queued' | 'running' }>
  now: number
}

export function Foot({ state: { kind, operation }, now }: FootProps) {
  const viewer = useViewer()
  const steps = stepsOf(operation.kind, operation.progress.phase, kind === 'running', operation.backup !== null)
  const since = operation.startedAt ?? operation.createdAt
  const by = operation.requestedBy
  const who = by ? (by.id === viewer.user.id ? ' by you' : ` by ${by.email}`) : ''
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
      <ol aria-label="Steps" className="flex flex-wrap items-center gap-x-3 gap-y-1">
        {steps.map((step, i) => (
          <li key={step.name} aria-current={step.state === 'now' ? 'step' : undefined} className="flex items-center gap-2">
            {i > 0 && <span className="mr-1 h-px w-4 bg-line-strong/60" aria-hidden="true" />}
            <StepMark state={step.state} />
            <span className={step.state === 'now' ? 'font-medium text-ink' : ''}>{step.name}</span>
          </li>
        ))}
      </ol>
      <span className="flex flex-wrap items-center gap-x-4 text-ink-3 nums">
        <span>
          {kind === 'queued' ? 'Asked for' : 'Started'} {formatDuration(now - Date.parse(since))} ago{who}
          {operation.hypervisor && (
            <>
              {' on '}
              <TextLink inline to="/hypervisors/$hypervisorId" params={{ hypervisorId: operation.hypervisor.id }} className="font-mono">
                {operation.hypervisor.name}
              </TextLink>
              {' · '}
              <TextLink inline to="/queue/$operationId" params={{ operationId: operation.id }}>
                job {operation.id.slice(-8)}
              </TextLink>
            </>
          )}
        </span>
        <CancelButton operation={operation} />
      </span>
    </div>
  )
}

function StepMark({ state }: { state: Step['state'] }) {
  if (state === 'done') return <Check size={16} className="text-ok" aria-label="done:" />
  if (state === 'now') return <span className="mx-1 size-2 rounded-full bg-bar" aria-hidden="true" />
  return <Circle size={8} strokeWidth={4} className="mx-1 text-line-strong" aria-hidden />
}
