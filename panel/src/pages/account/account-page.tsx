/** The page of an account: what it has and may have, what it has in flight, and who signs in to it. */

import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { formatBytes } from '~/lib/bytes'
import { counted } from '~/lib/pages'
import { RemovalRows } from '~/pages/removal/removal-rows'
import CreateVolumeDialog from '~/pages/volumes/create-volume-dialog'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { Quota } from '~/parts/quota'
import { SubList } from '~/parts/sub-list'
import { TextLink } from '~/parts/text-link'

import { ChangeAccountDialog } from './change-account-dialog'
import { CreateUserDialog } from './create-user-dialog'
import { UserDialog } from './user-dialog'
import { type AccountUser, type UserAction, UsersTable } from './users-table'

const AccountQuery = graphql(`
  query Account($id: ID!) {
    serverTime
    node(id: $id) {
      __typename
      id
      ... on Account {
        name
        operationsInFlight
        operationsInFlightLimit
        volumeCount
        volumeLimit
        volumeBytes
        volumeBytesLimit
        users { id email role disabledAt }
      }
    }
    instances(filter: { accountId: $id }, first: 0) { totalCount }
    backups(filter: { accountId: $id }, first: 0) { totalCount }
    operations(filter: { accountId: $id }, first: 0) { totalCount }
  }
`)

const DeleteAccount = graphql(`
  mutation DeleteAccount($input: DeleteAccountInput!) {
    deleteAccount(input: $input) {
      deletedAccountId
    }
  }
`)

type Opened = { dialog: 'user' | 'volume' | 'change' } | { dialog: 'act'; action: UserAction; user: AccountUser }

export default function AccountPage() {
  const { accountId } = useParams({ from: '/admin/accounts/$accountId' })
  const [result, ask] = useKeptQuery({ query: AccountQuery, variables: { id: accountId } })
  const navigate = useNavigate()
  const [opened, setOpened] = useState<Opened>()
  const { node, instances, backups, operations } = result.data ?? {}
  const known = node?.__typename === 'Account' ? node : undefined
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  const search = { account: accountId }
  const close = () => setOpened(undefined)
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="account" skeleton={<PageSkeleton what="account" />}>
      {(account) => (
        <div className="flex flex-col gap-7">
          <div className="flex flex-col gap-5">
            <PageTitle
              title={account.name}
              section="Accounts"
              below={<CopyId id={account.id} what={account.name} />}
              actions={
                <>
                  <Button onClick={() => setOpened({ dialog: 'change' })}>Change…</Button>
                  <Button onClick={() => setOpened({ dialog: 'volume' })}>Create volume…</Button>
                </>
              }
            />
            <Facts
              facts={[
                { label: 'In flight', value: <Quota used={account.operationsInFlight} most={account.operationsInFlightLimit} noun="operations" /> },
                { label: 'Volumes', value: <TextLink to="/volumes" search={search}>{`${account.volumeCount} of ${counted(account.volumeLimit, 'volume')}`}</TextLink> },
                { label: 'Storage', value: `${formatBytes(account.volumeBytes)} of ${formatBytes(account.volumeBytesLimit)}` },
                { label: 'Instances', value: <TextLink to="/instances" search={search}>{counted(instances?.totalCount ?? 0, 'instance')}</TextLink> },
                { label: 'Backups', value: <TextLink to="/backups" search={search}>{counted(backups?.totalCount ?? 0, 'backup')}</TextLink> },
                { label: 'Queue', value: <TextLink to="/queue" search={search}>{counted(operations?.totalCount ?? 0, 'operation')}</TextLink> },
              ]}
            />
          </div>
          <SubList
            title="Users"
            action={<Button size="small" onClick={() => setOpened({ dialog: 'user' })}>Create user…</Button>}
            empty={account.users.length === 0 && 'Nobody can sign in to this account yet.'}
          >
            <UsersTable users={account.users} onAct={(action, user) => setOpened({ dialog: 'act', action, user })} />
          </SubList>
          <RemovalRows
            removal={{
              noun: 'account',
              name: account.name,
              mutation: DeleteAccount,
              input: (confirmName) => ({ accountId: account.id, confirmName }),
              onGone: () => void navigate({ to: '/accounts' }),
            }}
          >
            An account that has volumes, instances, backups or users can’t be deleted. Delete those first.
          </RemovalRows>
          {opened?.dialog === 'user' && <CreateUserDialog account={account} onClosed={close} />}
          {opened?.dialog === 'volume' && <CreateVolumeDialog account={account} onClosed={close} />}
          {opened?.dialog === 'change' && <ChangeAccountDialog account={account} onClosed={close} />}
          {opened?.dialog === 'act' && <UserDialog action={opened.action} user={opened.user} onClosed={close} />}
        </div>
      )}
    </Loaded>
  )
}
