/** A page of the list of backups. */

import { graphql, type ResultOf } from '~/api/graphql'

export const BackupsQuery = graphql(`
  query Backups($filter: BackupFilter, $first: Int, $after: String, $last: Int, $before: String) {
    serverTime
    backups(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes {
        id
        name
        status
        storageType
        volumeId
        volumeName
        volumeSizeBytes
        storedBytes
        createdAt
        failure
        verification { at ok message }
        location { storageName path }
        volume { id name }
        account { id name }
      }
    }
  }
`)

export type BackupItem = ResultOf<typeof BackupsQuery>['backups']['nodes'][number]
