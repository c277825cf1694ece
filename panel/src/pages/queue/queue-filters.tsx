/** The filters above the queue. */

import { useCallback } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { OPERATION_KINDS, operationWords } from '~/lib/operation-words'
import { PERIODS } from '~/lib/period'
import type { QueueSearch } from '~/lib/queue-search'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { FilterSelect } from '~/parts/filter-select'
import { SearchField } from '~/parts/search-field'

const QueueHosts = graphql(`
  query QueueHosts {
    hypervisors { id name }
  }
`)

const STATES = [
  { value: 'PENDING', label: 'Queued' },
  { value: 'STARTED', label: 'Running' },
  { value: 'STUCK', label: 'Standing still' },
  { value: 'COMPLETED', label: 'Done' },
  { value: 'FAILED', label: 'Failed' },
  { value: 'CANCELLED', label: 'Cancelled' },
] as const

const KINDS = OPERATION_KINDS.map((value) => ({ value, label: operationWords(value).noun }))

interface QueueFiltersProps {
  search: QueueSearch
  onChange: (changes: QueueSearch) => void
}

export function QueueFilters({ search, onChange }: QueueFiltersProps) {
  const find = useCallback((q: string) => onChange({ q: q || undefined }), [onChange])
  const [{ data }] = useKeptQuery({ query: QueueHosts })
  const hosts = (data?.hypervisors ?? []).map(({ id, name }) => ({ value: id, label: name }))
  return (
    <div className="flex flex-wrap items-center gap-2">
      <SearchField label="Search by volume or id" value={search.q ?? ''} onChange={find} />
      <FilterSelect label="State" value={search.status} options={STATES} onChange={(status) => onChange({ status })} />
      <FilterSelect label="Kind" value={search.kind} options={KINDS} onChange={(kind) => onChange({ kind })} />
      <FilterSelect label="Hypervisor" value={search.hypervisor} options={hosts} onChange={(hypervisor) => onChange({ hypervisor })} />
      <FilterSelect label="Asked for" value={search.asked} options={PERIODS} onChange={(asked) => onChange({ asked })} />
      <FilterSelect label="Ended" value={search.ended} options={PERIODS} onChange={(ended) => onChange({ ended })} />
      <AccountFilter value={search.account} onChange={(account) => onChange({ account })} />
    </div>
  )
}
