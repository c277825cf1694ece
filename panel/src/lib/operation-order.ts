/** Which of two states of an operation is the older: by its revision, then its attempt, then its bytes. */

export interface Moment {
  revision: number
  attempt: number
  progress: { bytesDone: number }
}

/** Below 0 where `a` is the older, above 0 where it is the newer. */
export function compareMoments(a: Moment, b: Moment): number {
  return a.revision - b.revision || a.attempt - b.attempt || a.progress.bytesDone - b.progress.bytesDone
}

interface Begun {
  id: string
  createdAt: string
}

/** Whether `a` was asked for before `b`. Ids rise with the time, too. */
export function isBefore(a: Begun, b: Begun): boolean {
  const apart = Date.parse(a.createdAt) - Date.parse(b.createdAt)
  return apart === 0 ? a.id < b.id : apart < 0
}

interface Involved {
  kind: string
  volume: { id: string } | null
  targetVolume: { id: string } | null
  backup: { id: string } | null
}

/** The volumes whose lock it takes. */
export function heldBy({ kind, volume, targetVolume, backup }: Involved): readonly string[] {
  const ids = (...all: ({ id: string } | null)[]) => all.flatMap((one) => (one ? [one.id] : []))
  if (kind === 'DELETE_BACKUP') return []
  // A backup is read whatever its volume does; a snapshot is part of it.
  if (kind === 'RESTORE_TO_NEW_VOLUME') return backup ? ids(targetVolume) : ids(targetVolume, volume)
  return ids(volume)
}
