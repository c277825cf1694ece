/** What the agent wrote while it worked on an operation, the oldest first. */

import { useKeptQuery } from '~/api/use-kept-query'
import { usePages } from '~/api/use-pages'
import { usePoll } from '~/api/use-poll'
import { formatTime } from '~/lib/instant'
import { counted } from '~/lib/pages'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'
import { SubList } from '~/parts/sub-list'
import { Cell, type Column, Row, Table } from '~/parts/table'

import { OperationLogsQuery } from './operation-query'

const COLUMNS: readonly Column[] = [{ label: 'Time' }, { label: 'Level' }, { label: 'Message', className: 'w-full' }]
const EVERY = 3_000

const COLOURS: Record<string, string> = { DEBUG: 'text-ink-3', INFO: 'text-ink-2', WARN: 'text-warn', ERROR: 'text-bad' }

interface LogsTableProps {
  operationId: string
  /** More may be written. */
  active: boolean
}

export function LogsTable({ operationId, active }: LogsTableProps) {
  const { variables, steps } = usePages()
  const response = useKeptQuery({ query: OperationLogsQuery, variables: { id: operationId, ...variables }, acrossVariables: true })
  usePoll(response, EVERY, active)
  const [{ data }] = response
  const logs = data?.operation?.logs
  return (
    <SubList title="Log" empty={logs?.totalCount === 0 && 'The agent has written nothing yet.'}>
      {logs ? (
        <div className="flex flex-col gap-4">
          <Table name="Log" columns={COLUMNS}>
            {logs.nodes.map((line, i) => (
              <Row key={i}>
                <Cell className="font-mono whitespace-nowrap text-ink-3">
                  <time dateTime={line.at}>{formatTime(Date.parse(line.at))}</time>
                </Cell>
                <Cell place="right" className={`text-meta font-medium ${COLOURS[line.level] ?? ''}`}>
                  {line.level.charAt(0) + line.level.slice(1).toLowerCase()}
                </Cell>
                <Cell place="wide" className="font-mono anywhere">
                  {line.message}
                </Cell>
              </Row>
            ))}
          </Table>
          <Pager count={counted(logs.totalCount, 'line')} {...steps(logs.pageInfo)} />
        </div>
      ) : (
        <TableSkeleton />
      )}
    </SubList>
  )
}
