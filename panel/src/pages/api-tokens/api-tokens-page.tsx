/** The viewer's API tokens: made, shown once, and revoked. */

import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'

import { failureOf } from '~/api/failure'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { ErrorState } from '~/app/error-state'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { TableSkeleton } from '~/parts/skeleton'
import { Cell, type Column, Row, Table } from '~/parts/table'
import { Ago, TimeLines } from '~/parts/time'

import { CreateTokenDialog, SCOPES } from './create-token-dialog'
import { RevokeTokenDialog } from './revoke-token-dialog'

const ApiTokens = graphql(`
  query ApiTokens {
    serverTime
    viewer {
      apiTokens { id name scope createdAt expiresAt lastUsedAt }
    }
  }
`)

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Scope' },
  { label: 'Last used', spare: true },
  { label: 'Ends', spare: true },
  { label: 'Created' },
  { label: 'Actions', silent: true },
]

export default function ApiTokensPage() {
  const [{ data, error, fetching }, ask] = useKeptQuery({ query: ApiTokens })
  const [creating, setCreating] = useState(false)
  const [revoked, setRevoked] = useState<{ id: string; name: string }>()
  const tokens = data?.viewer.apiTokens
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create token
    </Button>
  )
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="API tokens" below="By a token, automation acts in your name." actions={tokens && tokens.length > 0 && create} />
      {tokens ? (
        tokens.length === 0 ? (
          <Empty icon={<KeyRound size={20} />} title="No API tokens yet" action={create}>
            A token lets a script or another program use the API as you do. It can be revoked at any time.
          </Empty>
        ) : (
          <Table name="API tokens" columns={COLUMNS}>
            {tokens.map((token) => (
              <Row key={token.id}>
                <Cell className="@table:max-w-0 truncate text-body font-medium @table:min-w-40">
                  <span title={token.name}>{token.name}</span>
                </Cell>
                <Cell place="right" className="whitespace-nowrap text-ink-2">
                  {SCOPES.find((scope) => scope.value === token.scope)?.title ?? token.scope}
                </Cell>
                <Cell place="gone" className="whitespace-nowrap text-ink-2">
                  {token.lastUsedAt ? <Ago at={token.lastUsedAt} /> : 'Never'}
                </Cell>
                <Cell place="gone" className="whitespace-nowrap text-ink-2">
                  {token.expiresAt ? <TimeLines at={token.expiresAt} /> : 'Never'}
                </Cell>
                <Cell>
                  <TimeLines at={token.createdAt} />
                </Cell>
                <Cell place="late">
                  <Button size="small" onClick={() => setRevoked(token)} aria-label={`Revoke ${token.name}`}>
                    Revoke…
                  </Button>
                </Cell>
              </Row>
            ))}
          </Table>
        )
      ) : error && !fetching ? (
        <ErrorState what="list" {...failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      ) : (
        <TableSkeleton rows={2} />
      )}
      {creating && <CreateTokenDialog onClosed={() => setCreating(false)} />}
      {revoked && <RevokeTokenDialog token={revoked} onClosed={() => setRevoked(undefined)} />}
    </div>
  )
}
