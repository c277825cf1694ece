/** Hypervisors, and what is told of them while one looks. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const HypervisorRow = graphql(`
  fragment HypervisorRow on Hypervisor @_unmask {
    id
    name
    status
    lastSeenAt
    agentVersion
    latestAgentVersion
    capabilities
    usesGroupBackupStorage
    group { id name }
    backupStorage { id name }
  }
`)

export type HypervisorRow = FragmentOf<typeof HypervisorRow>

export const HypervisorsQuery = graphql(
  `
    query Hypervisors {
      serverTime
      hypervisors { ...HypervisorRow }
    }
  `,
  [HypervisorRow],
)

export const HypervisorEvents = graphql(
  `
    subscription HypervisorEvents {
      hypervisorEvents { ...HypervisorRow deletedAt }
    }
  `,
  [HypervisorRow],
)
