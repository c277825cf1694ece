/** What of the volumes list stands in its URL: the filters, the order and the page. */

import { type BackupAge, readBackupAge } from './period'

const STATUSES = ['CREATING', 'AVAILABLE', 'ATTACHED', 'RESTORING', 'DELETING', 'FAILED'] as const
const STORAGE_TYPES = ['QCOW2_FILE', 'CEPH_RBD'] as const
const SORTS = ['-created', 'created', 'name', '-name', 'size', '-size', 'backup', '-backup'] as const

export type VolumesSort = (typeof SORTS)[number]

export interface VolumesSearch {
  q?: string
  status?: (typeof STATUSES)[number]
  storage?: (typeof STORAGE_TYPES)[number]
  sort?: VolumesSort
  account?: string
  /** Without a backup: none at all, or none for so many days. */
  backup?: BackupAge
  /** The cursors of the pages before, and of this one's beginning. */
  after?: string
  before?: string
}

export function readVolumesSearch(search: Record<string, unknown>): VolumesSearch {
  return dropMissing({
    q: text(search['q']),
    status: member(STATUSES, search['status']),
    storage: member(STORAGE_TYPES, search['storage']),
    sort: member(SORTS, search['sort']),
    account: text(search['account']),
    backup: readBackupAge(search['backup']),
    after: text(search['after']),
    before: text(search['before']),
  })
}

const FIELDS = { created: 'CREATED_AT', name: 'NAME', size: 'SIZE', backup: 'LAST_BACKUP_AT' } as const

export function orderOf(sort: VolumesSort) {
  const field = FIELDS[sort.replace('-', '') as keyof typeof FIELDS]
  return { field, direction: sort.startsWith('-') ? ('DESC' as const) : ('ASC' as const) }
}

function text(value: unknown): string | undefined {
  // The router reads a number or true out of what looks like one.
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function member<const All extends readonly string[]>(all: All, value: unknown): All[number] | undefined {
  return all.find((one) => one === value)
}

function dropMissing<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never
}
