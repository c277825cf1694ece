/** What operations are called: while they run, and when they have ended. */

export const OPERATION_KINDS = [
  'CREATE_SNAPSHOT',
  'CREATE_BACKUP',
  'RESTORE_IN_PLACE',
  'RESTORE_TO_NEW_VOLUME',
  'DELETE_SNAPSHOT',
  'DELETE_BACKUP',
  'CREATE_VOLUME',
  'DELETE_VOLUME',
] as const

export type OperationKind = (typeof OPERATION_KINDS)[number]

/** Snapshots, backups and restores: they count against an account's limit, and can be cancelled. */
export function isProtecting(kind: string): boolean {
  return ['CREATE_SNAPSHOT', 'CREATE_BACKUP', 'RESTORE_IN_PLACE', 'RESTORE_TO_NEW_VOLUME'].includes(kind)
}

export const OPERATION_STATUSES = ['PENDING', 'STARTED', 'COMPLETED', 'FAILED', 'CANCELLED'] as const

export type OperationStatus = (typeof OPERATION_STATUSES)[number]

interface Words {
  running: string
  done: string
  failed: string
  cancelled: string
  /** In a list: "Snapshot". */
  noun: string
}

const WORDS: Record<OperationKind, Words> = {
  CREATE_SNAPSHOT: words('Taking snapshot', 'Snapshot taken', 'Snapshot', 'Take snapshot'),
  CREATE_BACKUP: words('Creating backup', 'Backup created', 'Backup', 'Create backup'),
  RESTORE_IN_PLACE: words('Rolling back', 'Rolled back', 'Roll back', 'Roll back'),
  RESTORE_TO_NEW_VOLUME: words('Restoring to a new volume', 'Restored to a new volume', 'Restore', 'Restore to a new volume'),
  DELETE_SNAPSHOT: words('Deleting snapshot', 'Snapshot deleted', 'Snapshot delete', 'Delete snapshot'),
  DELETE_BACKUP: words('Deleting backup', 'Backup deleted', 'Backup delete', 'Delete backup'),
  CREATE_VOLUME: words('Creating volume', 'Volume created', 'Volume', 'Create volume'),
  DELETE_VOLUME: words('Deleting volume', 'Volume deleted', 'Volume delete', 'Delete volume'),
}

export function operationWords(kind: string): Words {
  return WORDS[kind as OperationKind] ?? words(`Working (${kind})`, `Done (${kind})`, kind, kind)
}

/** What it is about, as history keeps it: "before-upgrade", "to before-upgrade" of a roll back. */
export function subjectWords({ kind, subjectName }: { kind: string; subjectName: string }): string {
  if (kind === 'RESTORE_IN_PLACE') return `to ${subjectName}`
  return kind === 'RESTORE_TO_NEW_VOLUME' ? `from ${subjectName}` : subjectName
}

/** "Attempt 2 of 3.; nothing of the first. */
export function attemptWords({ attempt, maxAttempts }: { attempt: number; maxAttempts: number }): string {
  return attempt > 1 ? `Attempt ${attempt} of ${maxAttempts}: its agent was lost before.` : ''
}

/** What is said of one that has ended. "Cancelled" is said of that alone. */
export function endedWords(kind: string, status: string): string {
  const { done, failed, cancelled, noun } = operationWords(kind)
  const ends: Record<string, string> = { COMPLETED: done, FAILED: failed, CANCELLED: cancelled }
  return ends[status] ?? `${noun}: ended`
}

function words(running: string, done: string, subject: string, noun: string): Words {
  return { running, done, failed: `${subject} failed`, cancelled: `${subject} cancelled`, noun }
}
