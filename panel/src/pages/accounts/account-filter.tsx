/** Narrows a list to one account, for administrators. */

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { FilterSelect } from '~/parts/filter-select'

const AccountChoice = graphql(`
  query AccountChoice($chosen: ID!, $isChosen: Boolean!) {
    accounts(first: 100) {
      nodes { id name }
    }
    node(id: $chosen) @include(if: $isChosen) {
      __typename
      id
      ... on Account { name }
    }
  }
`)

interface AccountFilterProps {
  value: string | undefined
  onChange: (account: string | undefined) => void
}

export function AccountFilter({ value, onChange }: AccountFilterProps) {
  const [{ data }] = useKeptQuery({ query: AccountChoice, variables: { chosen: value ?? '', isChosen: value !== undefined }, acrossVariables: true })
  const accounts = data?.accounts.nodes ?? []
  const found = data?.node?.__typename === 'Account' ? data.node : undefined
  const chosen = found?.id === value ? found : value && { id: value, name: '…' }
  // One of many may be older than those that are listed.
  const listed = chosen && !accounts.some((one) => one.id === chosen.id) ? [chosen, ...accounts] : accounts
  const options = listed.map(({ id, name }) => ({ value: id, label: name })).toSorted((a, b) => a.label.localeCompare(b.label))
  return <FilterSelect label="Account" value={value} options={options} onChange={onChange} />
}
