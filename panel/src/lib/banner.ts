/** What the banner of a volume says: one of a few states, from what is known of its operation. */

import { formatDuration } from './duration'
import type { OperationKind } from './operation-words'

export interface BannerOperation {
  id: string
  kind: OperationKind
  status: 'PENDING' | 'STARTED' | 'COMPLETED' | 'FAILED' | 'CANCELLED'
  progress: { phase: string; percent: number; bytesDone: number; bytesTotal: number }
  finishedAt: string | null
}

/** What was asked of the volume, and is on its way to the gateway. */
export interface BannerAsked {
  kind: OperationKind
  subjectName: string
}

export type BannerState<Operation extends BannerOperation> =
  | { kind: 'none' }
  | { kind: 'asked'; asked: BannerAsked }
  | { kind: 'queued'; operation: Operation }
  | { kind: 'running'; operation: Operation; bar: Bar; trouble?: Trouble }
  | { kind: 'ended'; operation: Operation }
  | { kind: 'cooldown' }

/** `closing`: all bytes are there, but it is not done. */
export type Bar = 'determinate' | 'unknown' | 'closing'
export type Trouble = { kind: 'stalled' | 'lost'; forMs: number }

interface Facts<Operation> {
  asked?: BannerAsked
  /** The operation that holds the volume. */
  active: Operation | null
  /** The latest operation that has ended. */
  latest: Operation | null
  cooldownEndsAt: number | null
  /** The server's time. */
  now: number
  linkLost: boolean
  /** Milliseconds since the last news of the operation. */
  silentFor: number
  /** The operation whose banner was closed. */
  dismissed: string | null
  /** The operation that was followed to its end on this page: that stays until it is closed. */
  followed?: string | null
}

/** Without news for so long, a running operation is said to make no progress. */
const STALLED_AFTER = 15_000
/** For so long the end of an operation is told. */
const TOLD_FOR = 5 * 60_000

export function bannerState<Operation extends BannerOperation>(facts: Facts<Operation>): BannerState<Operation> {
  const { active, latest, cooldownEndsAt, now } = facts
  if (active?.status === 'PENDING') return { kind: 'queued', operation: active }
  if (active?.status === 'STARTED') {
    return { kind: 'running', operation: active, bar: barOf(active), trouble: troubleOf(facts) }
  }
  if (facts.asked) return { kind: 'asked', asked: facts.asked }
  const ended = [active, latest].find((one) => one?.finishedAt != null)
  const coolsDown = cooldownEndsAt !== null && cooldownEndsAt > now
  if (ended?.finishedAt && ended.id !== facts.dismissed) {
    const since = now - Date.parse(ended.finishedAt)
    if (ended.id === facts.followed || since < TOLD_FOR || (coolsDown && ended.status === 'COMPLETED')) return { kind: 'ended', operation: ended }
  }
  return coolsDown ? { kind: 'cooldown' } : { kind: 'none' }
}

function barOf({ progress }: BannerOperation): Bar {
  if (progress.bytesTotal === 0) return 'unknown'
  return progress.bytesDone >= progress.bytesTotal ? 'closing' : 'determinate'
}

/** What is wrong with a running operation, as far as can be told from the silence. */
export function troubleOf({ linkLost, silentFor }: { linkLost: boolean; silentFor: number }): Trouble | undefined {
  if (linkLost) return { kind: 'lost', forMs: silentFor }
  if (silentFor > STALLED_AFTER) return { kind: 'stalled', forMs: silentFor }
  return undefined
}

/** The same in a sentence. What an operation waits for by its own words is no fault of its hypervisor's. */
export function troubleWords({ kind, forMs }: Trouble, phase: string): string {
  if (kind === 'lost') return `Connection lost. Last update ${formatDuration(forMs)} ago.`
  return `No progress for ${formatDuration(forMs)}. ${storageWait(phase) ?? 'The hypervisor may be slow or offline.'}`
}

/** What an agent calls its waits for a backup storage, and what that means for whoever looks on. */
const STORAGE_WAITS: Readonly<Record<string, string>> = {
  'The backup storage asks us to slow down': 'The backup storage asks us to slow down. It goes on by itself.',
  'Waiting for the backup storage': 'The backup storage does not answer. It goes on by itself once it does.',
}

/** What a phase says of a backup storage that is waited for, if it is one that does. */
export function storageWait(phase: string): string | undefined {
  return STORAGE_WAITS[phase]
}

/** The steps of each kind of operation, as its agent names them. */
const STEPS: Partial<Record<OperationKind, readonly (readonly string[])[]>> = {
  CREATE_BACKUP: [['Preparing', 'Exporting']],
  RESTORE_IN_PLACE: [['Verifying', 'Restoring', 'Flushing'], ['Restoring']],
  RESTORE_TO_NEW_VOLUME: [['Verifying', 'Restoring', 'Flushing'], ['Copying', 'Flushing'], ['Cloning']],
}

export interface Step {
  name: string
  state: 'done' | 'now' | 'next'
}

/** "Queued" and then the steps of the way that `phase` is on; an unknown one stands for itself. */
export function stepsOf(kind: OperationKind, phase: string, started: boolean, fromBackup: boolean): readonly Step[] {
  const ways = STEPS[kind] ?? []
  const way = ways.find((names) => names.includes(phase) && (fromBackup || names[0] !== 'Verifying')) ?? [phase]
  const names = started ? ['Queued', ...way] : ['Queued']
  const current = started ? names.indexOf(phase) : 0
  return names.map((name, i) => ({ name, state: i < current ? 'done' : i === current ? 'now' : 'next' }))
}
