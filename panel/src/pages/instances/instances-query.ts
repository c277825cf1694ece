/** A page of the list of instances. */

import { graphql, type ResultOf } from '~/api/graphql'

export const InstancesQuery = graphql(`
  query Instances($first: Int, $after: String, $last: Int, $before: String) {
    serverTime
    instances(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes {
        id
        name
        status
        creditsPerHour
        account { id name }
        volumes {
          id
          name
          status
          dataState
          activeOperation { id kind }
        }
      }
    }
  }
`)

export type InstanceRow = ResultOf<typeof InstancesQuery>['instances']['nodes'][number]
