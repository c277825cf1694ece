/** All that the page of an operation shows. */

import { graphql } from '~/api/graphql'
import { QueuedOperation } from '~/pages/queue/queue-query'

export const OperationQuery = graphql(
  `
    query Operation($id: ID!, $isAdmin: Boolean! = true) {
      serverTime
      operation(id: $id) {
        ...QueuedOperation
        events(first: 100) {
          totalCount
          nodes { cursor at kind actor message }
        }
      }
    }
  `,
  [QueuedOperation],
)

export const OperationLogsQuery = graphql(`
  query OperationLogs($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    operation(id: $id) {
      id
      logs(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { at level message }
      }
    }
  }
`)

/** It tells whatever the page asks for. */
export const OperationProgressSubscription = graphql(
  `
    subscription OperationProgress($id: ID!, $isAdmin: Boolean! = true) {
      operationProgress(operationId: $id) { ...QueuedOperation }
    }
  `,
  [QueuedOperation],
)
