/** The steps of an operation, who asked for it and when, and for administrators where it runs. */

import { useApi } from '~/api/context'
import type { OperationFacts } from '~/api/operation'
import { useViewer } from '~/app/session'
import { type Step, stepsOf } from '~/lib/banner'
import { formatDuration } from '~/lib/duration'
import { TextLink } from '~/parts/text-link'

import { CancelButton } from './cancel-button'
import { Steps } from './steps'

export function Foot({ operation, now }: { operation: OperationFacts; now: number }) {
  const viewer = useViewer()
  const { operations } = useApi()
  const since = (operation.finishedAt === null && operation.startedAt) || operation.createdAt
  const by = operation.requestedBy
  const who = by ? (by.id === viewer.user.id ? ' by you' : ` by ${by.email}`) : ''
  return (
    <>
      <Steps steps={stepsOfAll(operation, operations.step(operation.id))} />
      <span className="flex flex-wrap items-center gap-x-4 text-ink-3 nums">
        <span>
          {since === operation.startedAt ? 'Started' : 'Asked for'} {formatDuration(now - Date.parse(since))} ago{who}
          {operation.hypervisor && (
            <>
              {' on '}
              <TextLink inline to="/hypervisors/$hypervisorId" params={{ hypervisorId: operation.hypervisor.id }} className="font-mono">
                <bdi>{operation.hypervisor.name}</bdi>
              </TextLink>
              {' · '}
              <TextLink inline to="/queue/$operationId" params={{ operationId: operation.id }}>
                job {operation.id.slice(-8)}
              </TextLink>
            </>
          )}
        </span>
        {operation.finishedAt === null && <CancelButton operation={operation} />}
      </span>
    </>
  )
}

function stepsOfAll({ kind, status, startedAt, finishedAt, backup }: OperationFacts, step: string | undefined): readonly Step[] {
  const steps = stepsOf(kind, step, status !== 'PENDING' && startedAt !== null, backup !== null)
  if (finishedAt === null) return steps
  // Where it ended is no step that one waits for.
  return steps.map(({ name, state }) => ({ name, state: status === 'COMPLETED' || state === 'done' ? 'done' : 'next' }))
}
