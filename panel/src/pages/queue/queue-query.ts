/** A page of the operations of all accounts. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const QueuedOperation = graphql(`
  fragment QueuedOperation on Operation @_unmask {
    id
    kind
    status
    createdAt
    startedAt
    finishedAt
    deadlineAt
    progress { phase percent bytesDone bytesTotal bytesPerSecond etaSeconds }
    error { code message }
    requestedBy { id email }
    account { id name }
    hypervisor { id name }
    volume { id name }
    targetVolume { id name }
    snapshot { id name }
    backup { id name volumeName }
  }
`)

export type QueuedOperation = FragmentOf<typeof QueuedOperation>

export const QueueQuery = graphql(
  `
    query Queue($filter: OperationFilter, $first: Int, $after: String, $last: Int, $before: String) {
      serverTime
      operations(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { ...QueuedOperation }
      }
    }
  `,
  [QueuedOperation],
)
