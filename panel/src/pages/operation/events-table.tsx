/** The transitions of an operation, the oldest first: who did what, when and why. */

import { formatInstant } from '~/lib/instant'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { Ago } from '~/parts/time'

const COLUMNS: readonly Column[] = [{ label: 'What' }, { label: 'Why', className: 'w-full' }, { label: 'By' }, { label: 'When' }]

const WORDS: Record<string, string> = {
  ACCEPTED: 'Accepted',
  STARTED: 'Started',
  PROGRESSED: 'Next phase',
  REQUEUED: 'Queued again',
  COMPLETED: 'Completed',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
}

interface EventsTableProps {
  events: readonly { cursor: string; at: string; kind: string; actor: string | null; message: string | null }[]
}

export function EventsTable({ events }: EventsTableProps) {
  return (
    <Table name="Events" columns={COLUMNS}>
      {events.map((event) => (
        <Row key={event.cursor}>
          <Cell className="font-medium whitespace-nowrap">{WORDS[event.kind] ?? event.kind}</Cell>
          <Cell place={event.message ? 'wide' : 'blank'} className="text-ink-2 anywhere">
            {event.message}
          </Cell>
          <Cell className="truncate text-ink-2 @table:max-w-64">
            <span title={event.actor ?? undefined}>{event.actor}</span>
          </Cell>
          <Cell place="right" className="whitespace-nowrap">
            <Lines first={<Ago at={event.at} />} second={formatInstant(Date.parse(event.at))} />
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
