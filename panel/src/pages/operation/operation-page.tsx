/** The page of an operation, for administrators: what it is about, how far it is, and what its agent wrote. */

import { useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { useServerTime } from '~/api/context'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { useStream } from '~/api/use-stream'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { failureWords, heldWords } from '~/lib/held'
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

const EVERY = 3_000

export default function OperationPage() {
  const { operationId } = useParams({ from: '/admin/queue/$operationId' })
  const response = useKeptQuery({ query: OperationQuery, variables: { id: operationId } })
  const [result, ask] = response
  const known = result.data?.operation
  // Of one that has ended, no event tells when its volume is free.
  usePoll(response, EVERY, known?.heldUntil != null)
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
            <Ended operation={operation} error={operation.error} />
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

/** Why it failed, what that means, and what is still held. */
function Ended({ operation, error }: { operation: QueuedOperation; error: { code: string; message: string } }) {
  const held = heldWords(operation.heldUntil, useServerTime('second'))
  return (
    <Notice tone="bad" title={error.message}>
      {[failureWords(error.code, held !== ''), held].filter(Boolean).join(' ')} <span className="font-mono">{error.code}</span>
    </Notice>
  )
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
