/** What of the queue stands in its URL: the filters and the page. */

import { readText } from './backups-search'
import { type ListSearch, readListSearch } from './list-search'
import { OPERATION_KINDS, OPERATION_STATUSES, type OperationKind, type OperationStatus } from './operation-words'
import { beginOf, type Period, readPeriod } from './period'

/** Not a status of operations: those that nobody works on, or that tell of no progress. */
const STUCK = 'STUCK'

export interface QueueSearch extends ListSearch {
  status?: OperationStatus | typeof STUCK
  kind?: OperationKind
  q?: string
  /** Of the agent of this hypervisor. */
  hypervisor?: string
  /** Asked for in that time. */
  asked?: Period
  /** Ended in that time. */
  ended?: Period
}

export function readQueueSearch(search: Record<string, unknown>): QueueSearch {
  const status = [...OPERATION_STATUSES, STUCK].find((one) => one === search['status']) as QueueSearch['status']
  const kind = OPERATION_KINDS.find((one) => one === search['kind'])
  const q = readText(search['q'])
  const hypervisor = readText(search['hypervisor'])
  const asked = readPeriod(search['asked'])
  const ended = readPeriod(search['ended'])
  return {
    ...(status && { status }),
    ...(kind && { kind }),
    ...(q && { q }),
    ...(hypervisor && { hypervisor }),
    ...(asked && { asked }),
    ...(ended && { ended }),
    ...readListSearch(search),
  }
}

/** What of it is asked for: the filter of operations, and whether only those that stand still are meant. */
export function queueVariables({ status, kind, account, q, hypervisor, asked, ended }: QueueSearch, now: number) {
  return {
    filter: {
      status: status === STUCK ? undefined : status,
      kind,
      accountId: account,
      search: q,
      hypervisorId: hypervisor,
      createdAfter: beginOf(asked, now),
      finishedAfter: beginOf(ended, now),
    },
    stuck: status === STUCK || undefined,
  }
}
