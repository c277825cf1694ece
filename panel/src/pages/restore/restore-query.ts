/** What the restore dialog has to know, and what it sends. */

import { graphql, type ResultOf } from '~/api/graphql'
import { OperationFacts, OperationState } from '~/api/operation'

export const RestoreOptions = graphql(
  `
    query RestoreOptions($volumeId: ID!, $source: RestoreSource!, $restored: String!) {
      serverTime
      volumePlans { id name sizeBytes storageType }
      hypervisorGroups { id name plans { id } }
      called: volumes(first: 100, filter: { nameContains: $restored }) { nodes { id name } }
      volume(id: $volumeId) {
        id
        name
        status
        dataState
        plan { id name sizeBytes storageType }
        hypervisorGroup { id name }
        attachedTo { id name status }
        operations(first: 25) { nodes { ...OperationState } }
        actions {
          restoreInPlace(source: $source) { allowed blockers { code message availableAt } }
          replacing: restoreInPlace(source: $source, replaceImage: true) { allowed blockers { code message availableAt } }
          restoreToNewVolume(source: $source) { allowed blockers { code message availableAt } }
        }
      }
    }
  `,
  [OperationState],
)

export type RestoreOptions = ResultOf<typeof RestoreOptions>

export const RestoreToNewVolume = graphql(
  `
    mutation RestoreToNewVolume($input: RestoreToNewVolumeInput!, $isAdmin: Boolean!) {
      restoreToNewVolume(input: $input) {
        volume { id name }
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

export const RestoreInPlace = graphql(
  `
    mutation RestoreInPlace($input: RestoreInPlaceInput!, $isAdmin: Boolean!) {
      restoreInPlace(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

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
  /** What the volume is called now; undefined where it is gone. */
  nameNow: string | undefined
}

/** As the API takes it. */
export function sourceInput({ noun, id }: RestoreSource) {
  return noun === 'snapshot' ? { snapshotId: id } : { backupId: id }
}
