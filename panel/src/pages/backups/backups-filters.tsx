/** The search and the filters above the list of backups. */

import { useCallback } from 'react'

import type { BackupsSearch } from '~/lib/backups-search'
import { PERIODS } from '~/lib/period'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { FilterSelect } from '~/parts/filter-select'
import { SearchField } from '~/parts/search-field'

const STATUSES = [
  { value: 'AVAILABLE', label: 'Available' },
  { value: 'CREATING', label: 'Creating' },
  { value: 'RESTORING', label: 'Restoring' },
  { value: 'DELETING', label: 'Deleting' },
  { value: 'FAILED', label: 'Failed' },
] as const

interface BackupsFiltersProps {
  search: BackupsSearch
  onChange: (changes: BackupsSearch) => void
  isAdmin: boolean
}

export function BackupsFilters({ search, onChange, isAdmin }: BackupsFiltersProps) {
  const find = useCallback((q: string) => onChange({ q: q || undefined }), [onChange])
  return (
    <div className="flex flex-wrap items-center gap-2">
      <SearchField label="Search by name or id" value={search.q ?? ''} onChange={find} />
      <FilterSelect label="Status" value={search.status} options={STATUSES} onChange={(status) => onChange({ status })} />
      <FilterSelect label="Made" value={search.made} options={PERIODS} onChange={(made) => onChange({ made })} />
      {isAdmin && <AccountFilter value={search.account} onChange={(account) => onChange({ account })} />}
    </div>
  )
}
