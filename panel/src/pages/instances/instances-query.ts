/** A page of the list of instances. */

import { graphql, type ResultOf } from '~/api/graphql'

export const InstancesQuery = graphql(`
  query Instances($filter: InstanceFilter, $isAdmin: Boolean!, $first: Int, $after: String, $last: Int, $before: String) {
    serverTime
    instances(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      nodes {
        id
        name
        status
        creditsPerHour
        account { id name }
        hypervisor @include(if: $isAdmin) { id name }
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
