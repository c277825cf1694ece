/**
 * The words around a refusal. The rules, their order and their messages are the gateway's; this adds
 * what a control says before it is used, and what helps.
 */

import { formatCountdown } from './duration'
import { isolate } from './isolate'

export interface Blocker {
  code: string
  message: string
  availableAt?: string | null
}

export interface GuardContext {
  /** The server's time, in milliseconds. */
  now: number
  /** The name of the instance that the volume is attached to. */
  instance?: string
  usage?: { snapshots: number; maxSnapshots: number; backups: number; maxBackups: number }
}

/** What holds whoever would change the volume's own storage, as deleting a snapshot or the volume does. */
export const HOLDS = ['VOLUME_BUSY', 'VOLUME_NOT_AVAILABLE']

/** While these hold a volume, it is neither attached nor detached, and its instance is not started. */
export function isRestoreOrDelete(kind: string): boolean {
  return ['RESTORE_IN_PLACE', 'RESTORE_TO_NEW_VOLUME', 'DELETE_SNAPSHOT', 'DELETE_VOLUME'].includes(kind)
}

/** Why a control cannot be used now, in a sentence for `<Sentence>`; null if it can. */
export function reasonOf(blockers: readonly Blocker[], context: GuardContext): string | null {
  const [first] = blockers
  if (!first) return null
  const { usage, instance } = context
  switch (first.code) {
    case 'VOLUME_BUSY': {
      const what = first.message.split(': ')[1]
      return `Wait for the ${what ?? 'operation'} to finish. One operation runs on a volume at a time.`
    }
    case 'VOLUME_IN_COOLDOWN':
      return first.availableAt
        ? `Available again in ${formatCountdown(Date.parse(first.availableAt) - context.now)}.`
        : first.message
    case 'SNAPSHOT_LIMIT_REACHED':
      return usage ? capReason('Snapshot', usage.snapshots, usage.maxSnapshots) : first.message
    case 'BACKUP_LIMIT_REACHED':
      return usage ? capReason('Backup', usage.backups, usage.maxBackups) : first.message
    case 'VOLUME_ATTACHED_TO_RUNNING_INSTANCE':
      return `${instance === undefined ? 'Its instance' : isolate(instance)} is running. Stop it, or detach the volume.`
    case 'VOLUME_INCONSISTENT':
      return 'It is partly overwritten. Roll it back again first.'
    case 'NO_BACKUP_STORAGE':
      return 'Backups are not set up for this volume’s location.'
    case 'AGENT_OUTDATED':
      return 'This volume’s hypervisor needs an update first.'
    case 'IN_FLIGHT_LIMIT_REACHED': {
      const running = /\((\d+) of/.exec(first.message)?.[1]
      return running ? `You already have ${running} volume operations running. Wait for one to finish.` : first.message
    }
    default:
      return first.message
  }
}

interface HelpContext {
  isAdmin?: boolean
  /** Sent again, it starts nothing twice. */
  repeatable?: boolean
}

/** What to do about a refusal, behind its message. */
export function helpFor(code: string, { isAdmin = false, repeatable = false }: HelpContext = {}): string | undefined {
  switch (code) {
    case 'VOLUME_BUSY':
      return 'One operation runs on a volume at a time. The banner shows how far it is.'
    case 'VOLUME_IN_COOLDOWN':
      return 'A short pause follows every operation on a volume.'
    case 'NO_BACKUP_STORAGE':
      return isAdmin ? 'Set a backup storage for its hypervisor group.' : 'Contact support to have them set up.'
    case 'AGENT_OUTDATED':
      return isAdmin ? 'Update the agent of the hypervisor.' : 'Contact support.'
    case 'IN_FLIGHT_LIMIT_REACHED':
      return 'Nothing was started. Try again when one has finished.'
    case 'TOO_MANY_WAITING':
      return 'Nothing was started. Try again when some are done.'
    case 'UNREACHABLE':
      return 'Nothing was started.'
    case 'UNKNOWN_OUTCOME':
      return repeatable
        ? 'It may have started; the banner will show it. Trying again is safe: it starts nothing twice.'
        : 'It may have been done. Look before you try again.'
    case 'NOT_FOUND':
      return 'It no longer exists, or you don’t have access to it.'
    case 'IMAGE_DAMAGED':
      return 'Roll back from a backup and let it make a new image, or restore a backup to a new volume.'
    default:
      return undefined
  }
}

/** Whether asking again with the same key may work. */
export function isWorthRetrying(code: string): boolean {
  return code === 'UNREACHABLE' || code === 'UNKNOWN_OUTCOME' || code === 'INTERNAL'
}

/** Only those with one of the codes. */
export function onlyCodes(blockers: readonly Blocker[], codes: readonly string[]): readonly Blocker[] {
  return blockers.filter((blocker) => codes.includes(blocker.code))
}

/** What to say of a cap that is reached; `what` is "Snapshot" or "Backup". */
export function capReason(what: string, used: number, most: number): string {
  if (most === 0) return `This plan has no ${what.toLowerCase()}s. Move to a plan that has them.`
  return `${what} limit reached (${used} of ${most}). Delete one, or move to a plan with a higher limit.`
}
