/** What of the queue stands in its URL: the filters and the page. */

import { type ListSearch, readListSearch } from './list-search'
import { OPERATION_KINDS, OPERATION_STATUSES, type OperationKind, type OperationStatus } from './operation-words'

export interface QueueSearch extends ListSearch {
  status?: OperationStatus
  kind?: OperationKind
}

export function readQueueSearch(search: Record<string, unknown>): QueueSearch {
  const status = OPERATION_STATUSES.find((one) => one === search['status'])
  const kind = OPERATION_KINDS.find((one) => one === search['kind'])
  return { ...(status && { status }), ...(kind && { kind }), ...readListSearch(search) }
}
