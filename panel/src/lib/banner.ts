/** What the banner of a volume says: one of a few states, from what is known of its operation. */

import { formatDuration } from './duration'
import type { OperationKind } from './operation-words'
import { waitWords } from './waiting'

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
/** `waits`: its agent says that it waits, and for what. */
export type Trouble = { kind: 'stalled' | 'lost'; forMs: number } | { kind: 'waits'; words: string }

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
    return { kind: 'running', operation: active, bar: barOf(active), trouble: troubleOf({ ...facts, phase: active.progress.phase }) }
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

/** What keeps a running operation from going on, as its agent says, or as far as can be told from the silence. */
export function troubleOf({ linkLost, silentFor, phase }: { linkLost: boolean; silentFor: number; phase: string }): Trouble | undefined {
  if (linkLost) return { kind: 'lost', forMs: silentFor }
  const words = waitWords(phase)
  if (words) return { kind: 'waits', words }
  if (silentFor > STALLED_AFTER) return { kind: 'stalled', forMs: silentFor }
  return undefined
}

/** The same in a sentence. */
export function troubleWords(trouble: Trouble): string {
  if (trouble.kind === 'waits') return trouble.words
  const span = formatDuration(trouble.forMs)
  if (trouble.kind === 'lost') return `Connection lost. Last update ${span} ago.`
  return `No progress for ${span}. The hypervisor may be slow or offline.`
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

/** "Queued" and then the steps of the way that `phase` is on; an unknown one stands for itself. Without one, no step is said to be under way. */
export function stepsOf(kind: OperationKind, phase: string | undefined, started: boolean, fromBackup: boolean): readonly Step[] {
  if (!started) return [{ name: 'Queued', state: 'now' }]
  const ways = (STEPS[kind] ?? []).filter((names) => fromBackup || names[0] !== 'Verifying')
  const queued: Step = { name: 'Queued', state: 'done' }
  if (!phase) return [queued, ...(ways[0] ?? []).map((name): Step => ({ name, state: 'next' }))]
  const way = ways.find((names) => names.includes(phase)) ?? [phase]
  const current = way.indexOf(phase)
  return [queued, ...way.map((name, i): Step => ({ name, state: i < current ? 'done' : i === current ? 'now' : 'next' }))]
}
