/** The names of all accounts, for choosing one. The API gives them in pages, which are read one after the other. */

import { useEffect, useState } from 'react'
import { useClient } from 'urql'

import { graphql, type ResultOf } from '~/api/graphql'

const AccountNames = graphql(`
  query AccountNames($after: String) {
    accounts(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id name }
    }
  }
`)

export interface AccountName {
  id: string
  name: string
}

interface AccountNamesRead {
  /** By name; those that have come so far. */
  accounts: readonly AccountName[]
  /** All of them have. */
  complete: boolean
}

/** They are read whenever `active` turns true. */
export function useAccountNames(active = true): AccountNamesRead {
  const client = useClient()
  const [read, setRead] = useState<AccountNamesRead>({ accounts: [], complete: false })
  useEffect(() => {
    if (!active) return
    let wanted = true
    const readAll = async () => {
      const found: AccountName[] = []
      let after: string | null = null
      do {
        const answer = await client.query(AccountNames, { after }, { requestPolicy: 'network-only' }).toPromise()
        const page: ResultOf<typeof AccountNames>['accounts'] | undefined = answer.data?.accounts
        if (!wanted || !page) return
        found.push(...page.nodes)
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
        const complete = after === null
        // Those known from before stay until all are known anew.
        setRead((before) => ({ accounts: byName(complete ? found : [...found, ...before.accounts]), complete: complete || before.complete }))
      } while (after !== null)
    }
    void readAll()
    return () => {
      wanted = false
    }
  }, [client, active])
  return read
}

function byName(accounts: readonly AccountName[]): readonly AccountName[] {
  const each = new Map(accounts.map((account) => [account.id, account]))
  return [...each.values()].toSorted((a, b) => a.name.localeCompare(b.name))
}
