/** Volume plans, as administrators see them. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const PlanRow = graphql(`
  fragment PlanRow on VolumePlan @_unmask {
    id
    name
    sizeBytes
    storageType
    enabled
    maxSnapshots
    maxBackups
    snapshotCreditValue
    backupCreditValue
    operationDeadlineSeconds
    volumeCount
  }
`)

export type PlanRow = FragmentOf<typeof PlanRow>

export const PlansQuery = graphql(
  `
    query Plans {
      serverTime
      volumePlans { ...PlanRow }
    }
  `,
  [PlanRow],
)
