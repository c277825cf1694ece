/** The menu of all accounts, in which one is found by typing. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { FilterCombobox } from '~/parts/filter-combobox'

import { useAccountNames } from './use-account-names'

const ChosenAccount = graphql(`
  query ChosenAccount($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Account { name }
    }
  }
`)

export interface AccountFilterProps {
  value: string | undefined
  onChange: (account: string | undefined) => void
}

export default function AccountFilterMenu({ value, onChange }: AccountFilterProps) {
  const [open, setOpen] = useState(false)
  const { accounts } = useAccountNames(open)
  const [{ data }] = useKeptQuery({ query: ChosenAccount, variables: { id: value ?? '' }, pause: value === undefined })
  const found = data?.node?.__typename === 'Account' ? data.node : undefined
  const chosen = value === undefined ? undefined : { id: value, name: found?.id === value ? found.name : '…' }
  // Before the list is opened, or while its page has not come, the chosen one is known by itself.
  const listed = chosen && !accounts.some((one) => one.id === chosen.id) ? [chosen, ...accounts] : accounts
  return <FilterCombobox label="Account" value={value} options={listed.map(({ id, name }) => ({ value: id, label: name }))} onChange={onChange} onOpenChange={setOpen} />
}
