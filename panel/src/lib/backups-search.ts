/** What of the list of backups stands in its URL: the search, the filters and the page. */

import { type ListSearch, readListSearch } from './list-search'
import { type Period, readPeriod } from './period'

const STATUSES = ['PENDING', 'CREATING', 'AVAILABLE', 'RESTORING', 'DELETING', 'FAILED'] as const

export interface BackupsSearch extends ListSearch {
  q?: string
  status?: (typeof STATUSES)[number]
  /** Made in that time. */
  made?: Period
}

export function readBackupsSearch(search: Record<string, unknown>): BackupsSearch {
  const q = readText(search['q'])
  const status = STATUSES.find((one) => one === search['status'])
  const made = readPeriod(search['made'])
  return { ...(q && { q }), ...(status && { status }), ...(made && { made }), ...readListSearch(search) }
}

/** The router reads a number or true out of what looks like one. */
export function readText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
