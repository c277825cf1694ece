/**
 * All that the page of a volume shows but its activity. What may change while it is open is named once, in a fragment
 * that the query and the subscription share.
 */

import { graphql, type FragmentOf, type ResultOf } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'

const Availability = graphql(`
  fragment Availability on ActionAvailability @_unmask {
    allowed
    blockers { code message availableAt }
  }
`)

export type Availability = FragmentOf<typeof Availability>

/** Whatever is told of a volume itself: a new field goes here. */
const VolumeFacts = graphql(`
  fragment VolumeFacts on Volume @_unmask {
    id
    name
    status
    dataState
    sizeBytes
    storageType
    createdAt
    plan { id name snapshotCreditValue backupCreditValue }
    hypervisorGroup { id name }
    hypervisor @include(if: $isAdmin) { id name }
    account { id name }
    attachedTo { id name status }
    cooldown { endsAt }
    usage { snapshots maxSnapshots backups maxBackups }
  }
`)

export const VolumeQuery = graphql(
  `
    query Volume($id: ID!, $isAdmin: Boolean!) {
      serverTime
      volume(id: $id) {
        ...VolumeFacts
        activeOperation { ...OperationFacts }
        operations(first: 1) { nodes { ...OperationFacts } }
        actions {
          createSnapshot { ...Availability }
          createBackup { ...Availability }
          restoreInPlace { ...Availability }
          restoreToNewVolume { ...Availability }
        }
        snapshots(first: 100) {
          nodes { id name status volumeSizeBytes retainedBytes createdAt availableAt failure cost { soFar } }
        }
        backups(first: 100) {
          nodes {
            id name status volumeSizeBytes storedBytes createdAt availableAt failure
            cost { soFar }
            location { storageName path }
            verification { at ok message }
          }
        }
      }
    }
  `,
  [VolumeFacts, OperationFacts, Availability],
)

export type VolumeDetail = NonNullable<ResultOf<typeof VolumeQuery>['volume']>
export type SnapshotRow = VolumeDetail['snapshots']['nodes'][number]
export type BackupRow = VolumeDetail['backups']['nodes'][number]

export const VolumeActivitySubscription = graphql(
  `
    subscription VolumeActivity($id: ID!, $isAdmin: Boolean!) {
      volumeActivity(volumeId: $id) {
        serverTime
        cooldown { endsAt }
        operation { ...OperationFacts }
        volume {
          ...VolumeFacts
          activeOperation { id }
        }
      }
    }
  `,
  [VolumeFacts, OperationFacts],
)
