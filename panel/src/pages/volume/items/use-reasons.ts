/** Why the controls of a volume's items cannot be used now, in sentences that count down. */

import { useServerTime } from '~/api/context'
import { HOLDS, onlyCodes, reasonOf } from '~/lib/guards'
import { removalReason } from '~/lib/removal'

import type { BackupRow, SnapshotRow, VolumeDetail } from '../volume-query'

export interface Reasons {
  createSnapshot: string | null
  createBackup: string | null
  restore: (item: SnapshotRow | BackupRow) => string | null
  remove: (item: SnapshotRow | BackupRow) => string | null
}

export function useReasons({ actions, usage, attachedTo }: VolumeDetail): Reasons {
  const now = useServerTime('second')
  const context = { now, usage, instance: attachedTo?.name }
  const inPlace = actions.restoreInPlace.blockers
  const toNew = actions.restoreToNewVolume.blockers

  return {
    createSnapshot: reasonOf(actions.createSnapshot.blockers, context),
    createBackup: reasonOf(actions.createBackup.blockers, context),
    // A backup can be read whatever its volume does; the dialog asks the gateway of each way.
    restore: (item) => {
      if (!isSnapshot(item) || inPlace.length === 0) return null
      return reasonOf(toNew, context)
    },
    remove: (item) => {
      if (isSnapshot(item)) {
        const held = reasonOf(onlyCodes(inPlace, HOLDS), context)
        if (held) return held
      }
      return removalReason(item.status)
    },
  }
}

function isSnapshot(item: SnapshotRow | BackupRow): item is SnapshotRow {
  return 'retainedBytes' in item
}
