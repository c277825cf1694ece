/** What the restore dialog has to know, and what it sends. */

import { graphql, type ResultOf } from '~/api/graphql'
import { OperationFacts, OperationState } from '~/api/operation'

export const RestoreOptions = graphql(
  `
    query RestoreOptions($volumeId: ID!, $source: RestoreSource!) {
      serverTime
      volumePlans { id name sizeBytes storageType }
      hypervisorGroups { id name plans { id } }
      volume(id: $volumeId) {
        id
        name
        status
        dataState
        plan { id name sizeBytes storageType }
        hypervisorGroup { id name }
        attachedTo { id name status }
        operations(first: 10) { nodes { ...OperationState } }
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

/** Whether what keeps the volume from being rolled back may be its image, so that a new one is the cure. */
export function mayNeedNewImage({ status, dataState, operations }: NonNullable<RestoreOptions['volume']>): boolean {
  const last = operations.nodes.find(({ kind }) => kind === 'RESTORE_IN_PLACE')
  return status === 'FAILED' || dataState === 'INCONSISTENT' || last?.error?.code === 'IMAGE_DAMAGED'
}

/** As the API takes it. */
export function sourceInput({ noun, id }: RestoreSource) {
  return noun === 'snapshot' ? { snapshotId: id } : { backupId: id }
}
