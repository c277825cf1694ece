/** What of the queue stands in its URL: the filters and the page. */

import { readText } from './backups-search'
import { type ListSearch, readListSearch } from './list-search'
import { OPERATION_KINDS, OPERATION_STATUSES, type OperationKind, type OperationStatus } from './operation-words'
import { type Period, readPeriod } from './period'

export interface QueueSearch extends ListSearch {
  status?: OperationStatus
  kind?: OperationKind
  q?: string
  /** Of the agent of this hypervisor. */
  hypervisor?: string
  /** Asked for in that time. */
  asked?: Period
}

export function readQueueSearch(search: Record<string, unknown>): QueueSearch {
  const status = OPERATION_STATUSES.find((one) => one === search['status'])
  const kind = OPERATION_KINDS.find((one) => one === search['kind'])
  const q = readText(search['q'])
  const hypervisor = readText(search['hypervisor'])
  const asked = readPeriod(search['asked'])
  return { ...(status && { status }), ...(kind && { kind }), ...(q && { q }), ...(hypervisor && { hypervisor }), ...(asked && { asked }), ...readListSearch(search) }
}
