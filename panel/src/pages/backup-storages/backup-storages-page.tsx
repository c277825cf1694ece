/** The list of backup storages. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Warehouse } from 'lucide-react'
import { useState } from 'react'

import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { ShownPart } from '~/parts/shown-part'
import { TableSkeleton } from '~/parts/skeleton'

import { BackupStorageDialog } from './backup-storage-dialog'
import { type BackupStorageDetail, BackupStoragesQuery } from './backup-storages-query'
import { BackupStoragesTable } from './backup-storages-table'
import { TestDialog } from './test-dialog'

type Opened = { dialog: 'create' } | { dialog: 'test'; storage: { id: string; name: string }; atOnce?: boolean }

export default function BackupStoragesPage() {
  const [result, ask] = useKeptQuery({ query: BackupStoragesQuery })
  const { show } = useSearch({ from: '/admin/backup-storages' })
  const navigate = useNavigate({ from: '/backup-storages' })
  const [opened, setOpened] = useState<Opened>()
  const close = () => setOpened(undefined)
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setOpened({ dialog: 'create' })}>
      Add backup storage
    </Button>
  )
  const some = (result.data?.backupStorages.length ?? 0) > 0
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Backup storage" below="Where the agents of hypervisors write backups, under volumes/{volume_id}/." actions={some && create} />
      <Loaded result={result} ask={ask} pick={(data) => data.backupStorages} what="list" skeleton={<TableSkeleton rows={3} />}>
        {(storages) =>
          storages.length === 0 ? (
            <Empty icon={<Warehouse size={20} />} title="No backup storage yet" action={create}>
              Backups go to a bucket, an NFS export or a directory. Without one, customers can only take snapshots.
            </Empty>
          ) : (
            <>
              {show && <ShownPart what={show === 'untested' ? 'Those that were never tested.' : 'Those whose last test failed.'} onAll={() => void navigate({ search: {} })} />}
              <BackupStoragesTable storages={storages.filter((one) => isShown(one, show))} onTest={(storage) => setOpened({ dialog: 'test', storage })} />
              <p className="text-small text-ink-3 nums">{counted(storages.filter((one) => isShown(one, show)).length, 'backup storage')}</p>
            </>
          )
        }
      </Loaded>
      {opened?.dialog === 'create' && (
        <BackupStorageDialog onClosed={close} onTest={(storage) => setOpened({ dialog: 'test', storage, atOnce: true })} />
      )}
      {opened?.dialog === 'test' && <TestDialog key={opened.storage.id} storage={opened.storage} atOnce={opened.atOnce} onClosed={close} />}
    </div>
  )
}

function isShown({ lastTest }: BackupStorageDetail, show: 'untested' | 'failing' | undefined): boolean {
  if (show === 'untested') return lastTest === null
  return show === undefined || lastTest?.ok === false
}
