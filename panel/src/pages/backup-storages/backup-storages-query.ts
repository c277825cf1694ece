/** Backup storages, with all that can be read of them. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const BackupStorageDetail = graphql(`
  fragment BackupStorageDetail on BackupStorage @_unmask {
    id
    name
    kind
    summary
    bandwidthLimit
    createdAt
    survivesHostLoss
    s3 { endpoint region bucket prefix accessKeyId forcePathStyle }
    nfs { server export directory }
    local { path }
    lastTest { at ok message tookMilliseconds hypervisor { id name } }
  }
`)

export type BackupStorageDetail = FragmentOf<typeof BackupStorageDetail>

export const BackupStoragesQuery = graphql(
  `
    query BackupStorages {
      serverTime
      backupStorages { ...BackupStorageDetail }
    }
  `,
  [BackupStorageDetail],
)
