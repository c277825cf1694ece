/** The list of accounts. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Users } from 'lucide-react'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

import { CreateAccountDialog } from './create-account-dialog'

const AccountsQuery = graphql(`
  query Accounts($first: Int, $after: String, $last: Int, $before: String) {
    serverTime
    accounts(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes {
        id
        name
        operationsInFlight
        operationsInFlightLimit
        users { id email }
      }
    }
  }
`)

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-1/2' },
  { label: 'Users', className: 'w-1/2' },
  { label: 'In flight', right: true },
]

export default function AccountsPage() {
  const search = useSearch({ from: '/admin/accounts' })
  const navigate = useNavigate({ from: '/accounts' })
  const [creating, setCreating] = useState(false)
  const [result, ask] = useKeptQuery({ query: AccountsQuery, variables: pageArguments(search), acrossVariables: true })
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create account
    </Button>
  )
  const some = (result.data?.accounts.nodes.length ?? 0) > 0
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Accounts" below="Each owns its volumes, instances, snapshots and backups." actions={some && create} />
      <Loaded result={result} ask={ask} pick={(data) => data.accounts} what="list" skeleton={<TableSkeleton rows={6} />}>
        {(page) => {
          const { previous, next } = neighbours(page.pageInfo)
          return page.nodes.length === 0 ? (
            <Empty icon={<Users size={20} />} title="No accounts yet" action={create}>
              A customer has an account, and users who sign in to it.
            </Empty>
          ) : (
            <>
              <Table name="Accounts" columns={COLUMNS}>
                {page.nodes.map((account) => (
                  <Row key={account.id}>
                    <Cell className="@table:max-w-0 @table:min-w-40 truncate">
                      <TextLink to="/accounts/$accountId" params={{ accountId: account.id }} className="text-body font-medium text-ink!" title={account.name}>
                        <bdi>{account.name}</bdi>
                      </TextLink>
                    </Cell>
                    <Cell place="wide" className="@table:max-w-0 @table:min-w-40 text-ink-2">
                      <Lines first={account.users[0]?.email ?? <span className="text-ink-3">Nobody signs in</span>} second={account.users.length > 1 && `and ${account.users.length - 1} more`} />
                    </Cell>
                    <Cell right place="late" className={`whitespace-nowrap ${account.operationsInFlight >= account.operationsInFlightLimit ? 'text-warn' : 'text-ink-2'}`}>
                      {account.operationsInFlight} of {account.operationsInFlightLimit}
                    </Cell>
                  </Row>
                ))}
              </Table>
              <Pager
                count={counted(page.totalCount, 'account')}
                onPrevious={previous && (() => void navigate({ search: previous }))}
                onNext={next && (() => void navigate({ search: next }))}
              />
            </>
          )
        }}
      </Loaded>
      {creating && <CreateAccountDialog onClosed={() => setCreating(false)} />}
    </div>
  )
}
