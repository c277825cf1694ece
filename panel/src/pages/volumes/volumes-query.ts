/** A page of the volumes list. */

import { graphql, type ResultOf } from '~/api/graphql'
import { OperationState } from '~/api/operation'

export const VolumesQuery = graphql(
  `
  query Volumes(
    $filter: VolumeFilter
    $orderBy: VolumeOrder
    $first: Int
    $after: String
    $last: Int
    $before: String
  ) {
    serverTime
    volumes(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes {
        id
        name
        status
        dataState
        sizeBytes
        storageType
        createdAt
        lastBackupAt
        plan { id name }
        hypervisorGroup { id name }
        account { id name }
        attachedTo { id name status }
        activeOperation { ...OperationState }
        usage { snapshots maxSnapshots backups maxBackups }
      }
    }
  }
`,
  [OperationState],
)

export type VolumeRow = ResultOf<typeof VolumesQuery>['volumes']['nodes'][number]
