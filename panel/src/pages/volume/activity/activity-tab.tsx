/** The tab Activity: all operations of a volume, the newest first. */

import { History } from 'lucide-react'

import { graphql, type ResultOf } from '~/api/graphql'
import { OperationState } from '~/api/operation'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePages } from '~/api/use-pages'
import { useIsAdmin, useViewer } from '~/app/session'
import { formatBytes, UNKNOWN } from '~/lib/bytes'
import { formatTook } from '~/lib/duration'
import { operationWords, subjectWords } from '~/lib/operation-words'
import { counted } from '~/lib/pages'
import { Empty } from '~/parts/empty'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'
import { TimeLines } from '~/parts/time'

import { OperationStatus } from './operation-status'

const ActivityQuery = graphql(
  `
  query Activity($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    serverTime
    volume(id: $id) {
      id
      operations(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes {
          ...OperationState
          subjectName
          createdAt
          requestedBy { id email }
        }
      }
    }
  }
`,
  [OperationState],
)

type Operation = NonNullable<ResultOf<typeof ActivityQuery>['volume']>['operations']['nodes'][number]

const COLUMNS: readonly Column[] = [
  { label: 'Operation', className: 'w-full' },
  { label: 'Status' },
  { label: 'Data', right: true, spare: true },
  { label: 'Duration', right: true },
  { label: 'By', spare: true },
  { label: 'Asked for' },
]

export function ActivityTab({ volumeId }: { volumeId: string }) {
  const { variables, steps } = usePages()
  const [{ data }] = useKeptQuery({ query: ActivityQuery, variables: { id: volumeId, ...variables }, acrossVariables: true })
  const operations = data?.volume?.operations
  if (!operations) return <TableSkeleton />
  if (operations.totalCount === 0) {
    return (
      <Empty icon={<History size={20} />} title="Nothing has happened yet">
        Snapshots, backups, restores and deletes of this volume are listed here.
      </Empty>
    )
  }
  return (
    <div className="flex flex-col gap-4">
      <Table name="Operations" columns={COLUMNS}>
        {operations.nodes.map((operation) => (
          <OperationRow key={operation.id} operation={operation} />
        ))}
      </Table>
      <Pager count={counted(operations.totalCount, 'operation')} {...steps(operations.pageInfo)} />
    </div>
  )
}

function OperationRow({ operation }: { operation: Operation }) {
  const viewer = useViewer()
  const isAdmin = useIsAdmin()
  const { startedAt, finishedAt, error, requestedBy, progress, subjectName } = operation
  const took = startedAt && finishedAt ? formatTook(Date.parse(finishedAt) - Date.parse(startedAt)) : UNKNOWN
  const by = requestedBy === null ? 'The platform' : requestedBy.id === viewer.user.id ? 'You' : requestedBy.email
  return (
    <Row>
      <Cell className="@table:max-w-0 @table:min-w-40">
        <Lines
          first={
            isAdmin ? (
              <TextLink to="/queue/$operationId" params={{ operationId: operation.id }} className="text-body font-medium text-ink!">
                {operationWords(operation.kind).noun}
              </TextLink>
            ) : (
              <span className="text-body font-medium">{operationWords(operation.kind).noun}</span>
            )
          }
          second={
            <>
              <bdi className="block truncate">{subjectWords(operation)}</bdi>
              {error && <span className="line-clamp-2 text-bad anywhere">{error.message}</span>}
            </>
          }
          title={subjectName}
        />
      </Cell>
      <Cell place="right">
        <OperationStatus status={operation.status} />
      </Cell>
      <Cell right place="gone" className="whitespace-nowrap">
        {progress.bytesTotal > 0 ? formatBytes(progress.bytesDone) : UNKNOWN}
      </Cell>
      <Cell right place="late" className="whitespace-nowrap">
        {took}
      </Cell>
      <Cell place="gone" className="max-w-48 truncate text-ink-2">
        {by}
      </Cell>
      <Cell>
        <TimeLines at={operation.createdAt} />
      </Cell>
    </Row>
  )
}
