/** A page of the operations of all accounts. */

import { graphql, type FragmentOf } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'

export const QueuedOperation = graphql(
  `
    fragment QueuedOperation on Operation @_unmask {
      ...OperationFacts
      deadlineAt
      account { id name }
      hypervisor { id name }
    }
  `,
  [OperationFacts],
)

export type QueuedOperation = FragmentOf<typeof QueuedOperation>

export const QueueQuery = graphql(
  `
    query Queue($isAdmin: Boolean! = true, $filter: OperationFilter, $stuck: Boolean, $first: Int, $after: String, $last: Int, $before: String) {
      serverTime
      operations(filter: $filter, stuck: $stuck, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { ...QueuedOperation }
      }
    }
  `,
  [QueuedOperation],
)
