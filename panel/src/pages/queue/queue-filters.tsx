/** The filters above the queue. */

import { OPERATION_KINDS, operationWords } from '~/lib/operation-words'
import type { QueueSearch } from '~/lib/queue-search'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { FilterSelect } from '~/parts/filter-select'

const STATES = [
  { value: 'PENDING', label: 'Queued' },
  { value: 'STARTED', label: 'Running' },
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
  return (
    <div className="flex flex-wrap items-center gap-2">
      <FilterSelect label="State" value={search.status} options={STATES} onChange={(status) => onChange({ status })} />
      <FilterSelect label="Kind" value={search.kind} options={KINDS} onChange={(kind) => onChange({ kind })} />
      <AccountFilter value={search.account} onChange={(account) => onChange({ account })} />
    </div>
  )
}
