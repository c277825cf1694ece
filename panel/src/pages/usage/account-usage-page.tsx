/** What one account used in a month, for administrators. */

import { useParams, useSearch } from '@tanstack/react-router'

import { useServerTime } from '~/api/context'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { TextLink } from '~/parts/text-link'

import { AccountUsage } from './account-usage'
import { useUsagePeriod } from './use-usage-period'

const AccountNameQuery = graphql(`
  query UsageAccount($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Account { name }
    }
  }
`)

export default function AccountUsagePage() {
  const { accountId } = useParams({ from: '/admin/usage/$accountId' })
  const search = useSearch({ from: '/admin/usage/$accountId' })
  const now = useServerTime('halfMinute')
  const { month } = useUsagePeriod(search, now)
  const [{ data, error }] = useKeptQuery({ query: AccountNameQuery, variables: { id: accountId } })
  const name = data?.node?.__typename === 'Account' ? data.node.name : undefined
  // Bills go on to name accounts that are gone.
  const title = name ?? (data ? 'Deleted account' : error ? 'Account' : 'Loading…')
  useBreadcrumb(title)
  return (
    <AccountUsage
      key={`${accountId} ${month}`}
      account={accountId}
      title={title}
      section="Usage"
      search={search}
      now={now}
      about={name === undefined ? 'What it used, and what it costs.' : <TextLink to="/accounts/$accountId" params={{ accountId }}>Its account</TextLink>}
    />
  )
}
