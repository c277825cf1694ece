/** The page of a backup storage: where it is, whether it works, and who writes there. */

import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { KIND_NAMES } from '~/lib/backup-storage'
import { formatRate } from '~/lib/bytes'
import { BackupStorageDialog } from '~/pages/backup-storages/backup-storage-dialog'
import { BackupStorageDetail } from '~/pages/backup-storages/backup-storages-query'
import { TestDialog } from '~/pages/backup-storages/test-dialog'
import { PlaceFacts } from '~/pages/place/place-query'
import { RemovalRows } from '~/pages/removal/removal-rows'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageTitle } from '~/parts/page-title'
import { PageSkeleton } from '~/parts/page-skeleton'
import { TimeLines } from '~/parts/time'

import { DestinationSection } from './destination-section'
import { PlacesSection } from './places-section'
import { UsersSection } from './users-section'

const BackupStorageQuery = graphql(
  `
    query BackupStorage($id: ID!) {
      serverTime
      node(id: $id) {
        __typename
        id
        ... on BackupStorage { ...BackupStorageDetail marks { ...PlaceFacts } }
      }
      hypervisorGroups { id name backupStorage { id } }
      hypervisors { id name usesGroupBackupStorage backupStorage { id } }
    }
  `,
  [BackupStorageDetail, PlaceFacts],
)

const DeleteBackupStorage = graphql(`
  mutation DeleteBackupStorage($input: DeleteBackupStorageInput!) {
    deleteBackupStorage(input: $input) {
      deletedBackupStorageId
    }
  }
`)

type Opened = { dialog: 'change' } | { dialog: 'test'; atOnce?: boolean }

export default function BackupStoragePage() {
  const navigate = useNavigate()
  const { storageId } = useParams({ from: '/admin/backup-storages/$storageId' })
  const [result, ask] = useKeptQuery({ query: BackupStorageQuery, variables: { id: storageId } })
  const [opened, setOpened] = useState<Opened>()
  const node = result.data?.node
  const known = node?.__typename === 'BackupStorage' ? node : undefined
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  const close = () => setOpened(undefined)
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="backup storage" skeleton={<PageSkeleton what="backup storage" />}>
      {(storage) => (
        <div className="flex flex-col gap-5">
          <PageTitle
            title={storage.name}
            section="Backup storage"
            below={<CopyId id={storage.id} what={storage.name} />}
            actions={
              <>
                <Button onClick={() => setOpened({ dialog: 'change' })}>Change…</Button>
                <Button onClick={() => setOpened({ dialog: 'test' })}>Test…</Button>
              </>
            }
          />
          <Facts
            facts={[
              { label: 'Type', value: KIND_NAMES[storage.kind] },
              { label: 'Bandwidth limit', value: storage.bandwidthLimit === null ? 'None' : `${formatRate(storage.bandwidthLimit)} for each agent` },
              { label: 'When a host is lost', value: storage.survivesHostLoss ? 'Backups stay' : 'Backups are lost with it' },
              { label: 'Added', value: <TimeLines at={storage.createdAt} /> },
            ]}
          />
          <DestinationSection storage={storage} />
          <PlacesSection storage={storage} marks={storage.marks} />
          <UsersSection
            groups={result.data?.hypervisorGroups.filter((group) => group.backupStorage?.id === storage.id) ?? []}
            hypervisors={result.data?.hypervisors.filter((host) => !host.usesGroupBackupStorage && host.backupStorage?.id === storage.id) ?? []}
          />
          <RemovalRows
            removal={{
              noun: 'backup storage',
              name: storage.name,
              mutation: DeleteBackupStorage,
              input: (confirmName) => ({ backupStorageId: storage.id, confirmName }),
              onGone: () => void navigate({ to: '/backup-storages' }),
            }}
            writeOff={{ target: { backupStorageId: storage.id }, about: 'The backups on it have to be written off before.' }}
          >
            One on which backups lie, or to which a group or a hypervisor writes, can’t be deleted. What lies there otherwise stays.
          </RemovalRows>
          {opened?.dialog === 'change' && (
            <BackupStorageDialog storage={storage} onClosed={close} onTest={() => setOpened({ dialog: 'test', atOnce: true })} />
          )}
          {opened?.dialog === 'test' && <TestDialog storage={storage} atOnce={opened.atOnce} onClosed={close} />}
        </div>
      )}
    </Loaded>
  )
}
