/** Where a hypervisor writes backups: to its own backup storage, else to its group's. */

import { KIND_NAMES } from '~/lib/backup-storage'
import type { BackupStorageDetail } from '~/pages/backup-storages/backup-storages-query'
import { LastTest } from '~/pages/backup-storages/test-outcome'
import { DetailList } from '~/parts/detail-list'
import { Notice } from '~/parts/notice'
import { Section } from '~/parts/section'
import { TextLink } from '~/parts/text-link'

interface BackupStorageSectionProps {
  hypervisor: { id: string; usesGroupBackupStorage: boolean; group: { id: string; name: string }; backupStorage: BackupStorageDetail | null }
}

export function BackupStorageSection({ hypervisor: { id, backupStorage, group, usesGroupBackupStorage } }: BackupStorageSectionProps) {
  const ofGroup = (
    <TextLink inline to="/hypervisor-groups/$groupId" params={{ groupId: group.id }}>
      <bdi>{group.name}</bdi>
    </TextLink>
  )
  if (!backupStorage) {
    return (
      <Section title="Backup storage">
        <Notice tone="warn" title="No backups can be made here.">
          Neither the hypervisor nor its group {ofGroup} has a backup storage. Set one for the group.
        </Notice>
      </Section>
    )
  }
  return (
    <Section
      title="Backup storage"
      about={usesGroupBackupStorage ? <>That of its group {ofGroup}.</> : <>Its own, not that of its group {ofGroup}.</>}
      foot={<LastTest test={backupStorage.lastTest} hypervisorId={id} />}
    >
      <DetailList
        details={[
          {
            label: 'Name',
            value: (
              <TextLink to="/backup-storages/$storageId" params={{ storageId: backupStorage.id }}>
                <bdi>{backupStorage.name}</bdi>
              </TextLink>
            ),
          },
          { label: 'Type', value: KIND_NAMES[backupStorage.kind] },
          { label: 'Address', value: backupStorage.summary.replace(/^\w+: /, ''), mono: true },
        ]}
      />
    </Section>
  )
}
