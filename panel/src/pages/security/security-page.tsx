/** How the viewer signs in, and where they are signed in. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { useViewer } from '~/app/session'
import { counted } from '~/lib/pages'
import { ActionRow, ActionRows } from '~/parts/action-rows'
import { Button } from '~/parts/button'
import { PageTitle } from '~/parts/page-title'
import { TableSkeleton } from '~/parts/skeleton'
import { SubList } from '~/parts/sub-list'

import { ChangePasswordDialog } from './change-password-dialog'
import { EndSessionDialog } from './end-session-dialog'
import { SessionsTable } from './sessions-table'

const SessionsQuery = graphql(`
  query Sessions {
    serverTime
    viewer {
      sessions { id createdAt lastUsedAt expiresAt current }
    }
  }
`)

export default function SecurityPage() {
  const { user } = useViewer()
  const [result, ask] = useKeptQuery({ query: SessionsQuery })
  const [opened, setOpened] = useState<'password' | { id: string; createdAt: string }>()
  const close = () => setOpened(undefined)
  return (
    <div className="flex flex-col gap-7">
      <PageTitle title="Security" below="How you sign in, and where you are signed in." />
      <ActionRows label="Password">
        <ActionRow title="Password" action={<Button onClick={() => setOpened('password')}>Change password…</Button>}>
          {`You sign in as ${user.email}. Another password ends all your other sessions.`}
        </ActionRow>
      </ActionRows>
      <Loaded result={result} ask={ask} pick={(data) => data.viewer.sessions} what="list" skeleton={<TableSkeleton rows={2} />}>
        {(sessions) => (
          <SubList title="Sessions" empty={sessions.length === 0 && 'You are signed in nowhere.'}>
            <SessionsTable sessions={sessions} onEnd={setOpened} />
            <p className="text-small text-ink-3 nums">{counted(sessions.length, 'session')}</p>
          </SubList>
        )}
      </Loaded>
      {opened === 'password' && <ChangePasswordDialog onClosed={close} />}
      {typeof opened === 'object' && <EndSessionDialog session={opened} onClosed={close} />}
    </div>
  )
}
