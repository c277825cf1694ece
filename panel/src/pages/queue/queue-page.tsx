/** The queue: the operations of all accounts, live. Filters and page stand in the URL. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { ListOrdered, SearchX } from 'lucide-react'

import { useApi } from '~/api/context'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { Loaded } from '~/app/loaded'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { type QueueSearch, queueVariables } from '~/lib/queue-search'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'

import { QueueFilters } from './queue-filters'
import { QueueQuery } from './queue-query'
import { QueueTable } from './queue-table'

/** How often the progress of what runs is asked for. Transitions are told at once. */
const EVERY = 3_000

export default function QueuePage() {
  const search = useSearch({ from: '/admin/queue' })
  const navigate = useNavigate({ from: '/queue' })
  const { clock } = useApi()
  const { status, kind, account, q, hypervisor, asked, ended } = search
  const isFiltered = Boolean(status ?? kind ?? account ?? q ?? hypervisor ?? asked ?? ended)
  const response = useKeptQuery({
    query: QueueQuery,
    variables: { ...queueVariables(search, clock.now()), ...pageArguments(search) },
    acrossVariables: true,
  })
  const [result, ask] = response
  // What stands still is told by no event either.
  usePoll(response, EVERY, status === 'STUCK' || (result.data?.operations.nodes.some((one) => one.finishedAt === null) ?? false))
  // Another filter begins with the first page.
  const change = (changes: QueueSearch) =>
    void navigate({ search: { ...search, after: undefined, before: undefined, ...changes }, replace: true, resetScroll: false })

  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Queue" below="What the agents of all hypervisors do, wait to do, and have done." />
      <QueueFilters search={search} onChange={change} />
      <Loaded result={result} ask={ask} pick={(data) => data.operations} what="list" skeleton={<TableSkeleton rows={6} />}>
        {(page) => {
          const { previous, next } = neighbours(page.pageInfo)
          if (page.nodes.length > 0) {
            return (
              <>
                <QueueTable operations={page.nodes} />
                <Pager count={counted(page.totalCount, 'operation')} onPrevious={previous && (() => change(previous))} onNext={next && (() => change(next))} />
              </>
            )
          }
          return isFiltered ? (
            <Empty icon={<SearchX size={20} />} title="No operation fits" action={<Button onClick={() => void navigate({ search: {} })}>Clear the filters</Button>}>
              There is none that fits the search and the filters.
            </Empty>
          ) : (
            <Empty icon={<ListOrdered size={20} />} title="Nothing has happened yet">
              Snapshots, backups, restores and volumes that are made or deleted are listed here.
            </Empty>
          )
        }}
      </Loaded>
    </div>
  )
}
