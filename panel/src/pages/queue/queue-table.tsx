/** Operations of all accounts in rows. */

import { operationWords, subjectWords } from '~/lib/operation-words'
import { waitingWords } from '~/lib/waiting'
import { OperationStatus } from '~/pages/volume/activity/operation-status'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'
import { TimeLines } from '~/parts/time'

import { OperationAge } from './operation-age'
import type { QueuedOperation } from './queue-query'

const COLUMNS: readonly Column[] = [
  { label: 'Operation', className: 'w-1/3' },
  { label: 'State' },
  { label: 'Age', right: true },
  { label: 'Volume', className: 'w-1/3' },
  { label: 'Account', className: 'w-1/3', spare: true },
  { label: 'Hypervisor', extra: true },
  { label: 'Asked for', extra: true },
]

export function QueueTable({ operations }: { operations: readonly QueuedOperation[] }) {
  return (
    <Table name="Queue" columns={COLUMNS}>
      {operations.map((operation) => (
        <OperationRow key={operation.id} operation={operation} />
      ))}
    </Table>
  )
}

function OperationRow({ operation }: { operation: QueuedOperation }) {
  const { error, volume, backup, status, progress, subjectName, waiting } = operation
  const running = status === 'STARTED' && `${progress.phase}${progress.bytesTotal > 0 ? ` · ${Math.floor(progress.percent)} %` : ''}`
  return (
    <Row>
      <Cell className="@table:max-w-0 @table:min-w-40">
        <Lines
          first={
            <TextLink to="/queue/$operationId" params={{ operationId: operation.id }} className="text-body font-medium text-ink!">
              {operationWords(operation.kind).noun}
            </TextLink>
          }
          second={
            <>
              <span className="block truncate nums">
                <bdi>{subjectWords(operation)}</bdi>
                {[running, operation.finishedAt === null && operation.attempt > 1 && `attempt ${operation.attempt} of ${operation.maxAttempts}`].flatMap((one) => (one ? [` · ${one}`] : []))}
              </span>
              {error && <span className="line-clamp-2 text-bad anywhere">{error.message}</span>}
              {waiting && <span className="block anywhere">{waitingWords(waiting, operation.hypervisor.name)}</span>}
            </>
          }
          title={subjectName}
        />
      </Cell>
      <Cell place="right">
        <OperationStatus status={status} />
      </Cell>
      <Cell right place="late" className="whitespace-nowrap">
        <OperationAge operation={operation} />
      </Cell>
      <Cell className="@table:max-w-0 @table:min-w-28 truncate">
        {volume ? (
          <TextLink to="/volumes/$volumeId" params={{ volumeId: volume.id }} title={volume.name}>
            <bdi>{volume.name}</bdi>
          </TextLink>
        ) : (
          <span className="text-ink-3">{backup?.volumeName ?? 'Gone'}</span>
        )}
      </Cell>
      <Cell place="gone" className="@table:max-w-0 @table:min-w-28 truncate">
        <TextLink to="/accounts/$accountId" params={{ accountId: operation.account.id }} title={operation.account.name}>
          <bdi>{operation.account.name}</bdi>
        </TextLink>
      </Cell>
      <Cell extra className="max-w-36 truncate font-mono">
        <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: operation.hypervisor.id }} title={operation.hypervisor.name}>
          <bdi>{operation.hypervisor.name}</bdi>
        </TextLink>
      </Cell>
      <Cell extra>
        <TimeLines at={operation.createdAt} />
      </Cell>
    </Row>
  )
}
