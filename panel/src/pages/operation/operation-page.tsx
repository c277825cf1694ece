/** The page of an operation, for administrators: what it is about, how far it is, and what its agent wrote. */

import { useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { useKeptQuery } from '~/api/use-kept-query'
import { useStream } from '~/api/use-stream'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { isProtecting, operationWords } from '~/lib/operation-words'
import type { QueuedOperation } from '~/pages/queue/queue-query'
import { OperationStatus } from '~/pages/volume/activity/operation-status'
import { CancelDialog } from '~/pages/volume/banner/cancel-button'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { Notice } from '~/parts/notice'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { SubList } from '~/parts/sub-list'

import { EventsTable } from './events-table'
import { FailDialog } from './fail-dialog'
import { LogsTable } from './logs-table'
import { OperationFacts } from './operation-facts'
import { OperationProgressSubscription, OperationQuery } from './operation-query'
import { ProgressSection } from './progress-section'

export default function OperationPage() {
  const { operationId } = useParams({ from: '/admin/queue/$operationId' })
  const [result, ask] = useKeptQuery({ query: OperationQuery, variables: { id: operationId } })
  const known = result.data?.operation
  // It goes straight into the cache.
  useStream(OperationProgressSubscription, { id: operationId }, () => {})
  useBreadcrumb(known ? titleOf(known) : result.data ? 'Not found' : 'Loading…')
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="operation" skeleton={<PageSkeleton what="operation" />}>
      {(operation) => (
        <div className="flex flex-col gap-7">
          <div className="flex flex-col gap-5">
            <PageTitle
              title={titleOf(operation)}
              section="Queue"
              status={<OperationStatus status={operation.status} />}
              below={<CopyId id={operation.id} what="the operation" />}
              actions={<Actions operation={operation} />}
            />
            <OperationFacts operation={operation} />
          </div>
          {operation.error && (
            <Notice tone="bad" title={operation.error.message}>
              <span className="font-mono">{operation.error.code}</span>
            </Notice>
          )}
          {operation.finishedAt === null && <ProgressSection operation={operation} />}
          <SubList title="Events">
            <EventsTable events={operation.events.nodes} />
          </SubList>
          <LogsTable operationId={operation.id} active={operation.finishedAt === null} />
        </div>
      )}
    </Loaded>
  )
}

function titleOf({ kind, subjectName }: QueuedOperation): string {
  return `${operationWords(kind).noun} · ${subjectName}`
}

/** A dialog that has ended the operation stays until it has closed, and has handed the focus on. */
function Actions({ operation }: { operation: QueuedOperation }) {
  const [opened, setOpened] = useState<'cancel' | 'fail'>()
  const close = () => setOpened(undefined)
  return (
    <>
      {operation.finishedAt === null && (
        <>
          <Button reason={isProtecting(operation.kind) ? null : 'Only snapshots, backups and restores can be cancelled.'} onClick={() => setOpened('cancel')}>
            Cancel…
          </Button>
          <Button onClick={() => setOpened('fail')}>Mark failed…</Button>
        </>
      )}
      {opened === 'cancel' && <CancelDialog operation={operation} onClosed={close} />}
      {opened === 'fail' && <FailDialog operation={operation} onClosed={close} />}
    </>
  )
}
