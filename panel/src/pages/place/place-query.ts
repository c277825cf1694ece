/** What is known of a storage pool or a backup storage: whether it has said whose it is. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const PlaceFacts = graphql(`
  fragment PlaceFacts on PlaceMark @_unmask {
    hypervisor { id name }
    state
    problem
    problemAt
  }
`)

export type PlaceFacts = FragmentOf<typeof PlaceFacts>
