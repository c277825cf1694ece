/** The search and the filters above the list of volumes. */

import { useCallback } from 'react'

import { BACKUP_AGES } from '~/lib/period'
import type { VolumesSearch } from '~/lib/volumes-search'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { FilterSelect } from '~/parts/filter-select'
import { SearchField } from '~/parts/search-field'

interface VolumesFiltersProps {
  search: VolumesSearch
  onChange: (changes: VolumesSearch) => void
  isAdmin: boolean
}

const STATUSES = [
  { value: 'AVAILABLE', label: 'Available' },
  { value: 'ATTACHED', label: 'In use' },
  { value: 'CREATING', label: 'Creating' },
  { value: 'RESTORING', label: 'Restoring' },
  { value: 'DELETING', label: 'Deleting' },
  { value: 'FAILED', label: 'Failed' },
] as const

const STORAGES = [
  { value: 'QCOW2_FILE', label: 'QCOW2 file' },
  { value: 'CEPH_RBD', label: 'Ceph' },
] as const

export function VolumesFilters({ search, onChange, isAdmin }: VolumesFiltersProps) {
  const find = useCallback((q: string) => onChange({ q: q || undefined }), [onChange])
  return (
    <div className="flex flex-wrap items-center gap-2">
      <SearchField label="Search by name or id" value={search.q ?? ''} onChange={find} />
      <FilterSelect label="Status" value={search.status} options={STATUSES} onChange={(status) => onChange({ status })} />
      <FilterSelect label="Storage" value={search.storage} options={STORAGES} onChange={(storage) => onChange({ storage })} />
      <FilterSelect label="Backup" value={search.backup} options={BACKUP_AGES} onChange={(backup) => onChange({ backup })} />
      {isAdmin && <AccountFilter value={search.account} onChange={(account) => onChange({ account })} />}
    </div>
  )
}
