/** What the restore dialog has to know, and what it sends. */

import { graphql, type ResultOf } from '~/api/graphql'

export const RestoreOptions = graphql(`
  query RestoreOptions($volumeId: ID!, $source: RestoreSource!) {
    serverTime
    volumePlans { id name sizeBytes storageType }
    hypervisorGroups { id name plans { id } }
    volume(id: $volumeId) {
      id
      name
      plan { id name sizeBytes storageType }
      hypervisorGroup { id name }
      attachedTo { id name status }
      actions {
        restoreInPlace(source: $source) { allowed blockers { code message availableAt } }
        restoreToNewVolume(source: $source) { allowed blockers { code message availableAt } }
      }
    }
  }
`)

export type RestoreOptions = ResultOf<typeof RestoreOptions>

export const RestoreToNewVolume = graphql(`
  mutation RestoreToNewVolume($input: RestoreToNewVolumeInput!) {
    restoreToNewVolume(input: $input) {
      volume { id name status }
      operation { id status }
    }
  }
`)

export const RestoreInPlace = graphql(`
  mutation RestoreInPlace($input: RestoreInPlaceInput!) {
    restoreInPlace(input: $input) {
      volume { id status }
      operation { id status }
    }
  }
`)

/** The snapshot or backup that is restored, and the volume it was made of. */
export interface RestoreSource {
  noun: 'snapshot' | 'backup'
  id: string
  name: string
  createdAt: string
  storageType: string
  volumeSizeBytes: number
  volumeId: string
  volumeName: string
  isVolumeGone: boolean
}

/** As the API takes it. */
export function sourceInput({ noun, id }: RestoreSource) {
  return noun === 'snapshot' ? { snapshotId: id } : { backupId: id }
}
