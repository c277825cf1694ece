/** Where somebody is signed in. */

import { formatInstant } from '~/lib/instant'
import { Button } from '~/parts/button'
import { Status } from '~/parts/status'
import { Cell, type Column, Row, Table } from '~/parts/table'
import { Ago, TimeLines } from '~/parts/time'

const COLUMNS: readonly Column[] = [
  { label: 'Session', className: 'w-full' },
  { label: 'Signed in' },
  { label: 'Last used', spare: true },
  { label: 'Ends', spare: true },
  { label: 'Actions', silent: true },
]

interface Session {
  id: string
  createdAt: string
  lastUsedAt: string | null
  expiresAt: string
  current: boolean
}

export function SessionsTable({ sessions, onEnd }: { sessions: readonly Session[]; onEnd: (session: Session) => void }) {
  return (
    <Table name="Sessions" columns={COLUMNS}>
      {sessions.map((session) => (
        <Row key={session.id}>
          <Cell className="text-body font-medium">{session.current ? <Status tone="ok">This browser</Status> : 'Another sign-in'}</Cell>
          <Cell place="wide">
            <TimeLines at={session.createdAt} />
          </Cell>
          <Cell place="gone" className="whitespace-nowrap text-ink-2">
            {session.lastUsedAt ? <Ago at={session.lastUsedAt} /> : 'Never'}
          </Cell>
          <Cell place="gone">
            <TimeLines at={session.expiresAt} />
          </Cell>
          <Cell place="right">
            {!session.current && (
              <Button size="small" onClick={() => onEnd(session)} aria-label={`End the session of ${formatInstant(Date.parse(session.createdAt))}`}>
                End…
              </Button>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
