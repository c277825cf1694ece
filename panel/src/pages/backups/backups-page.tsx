/** All backups, also those whose volume is gone. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Archive } from 'lucide-react'
import { useState } from 'react'

import { failureOf } from '~/api/failure'
import { useKeptQuery } from '~/api/use-kept-query'
import { ErrorState } from '~/app/error-state'
import { useIsAdmin } from '~/app/session'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { RestoreDialog } from '~/pages/restore/restore-dialog'
import { DeleteItemDialog } from '~/pages/volume/dialogs/delete-item-dialog'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'

import { type BackupItem, BackupsQuery } from './backups-query'
import { BackupsList } from './backups-list'

export default function BackupsPage() {
  const search = useSearch({ from: '/backups' })
  const navigate = useNavigate({ from: '/backups' })
  const isAdmin = useIsAdmin()
  const [opened, setOpened] = useState<{ dialog: 'restore' | 'delete'; backup: BackupItem }>()
  const [{ data, error, fetching }, ask] = useKeptQuery({ query: BackupsQuery, variables: { filter: { accountId: search.account }, ...pageArguments(search) }, acrossVariables: true })
  const page = data?.backups
  const { previous, next } = page ? neighbours(page.pageInfo) : {}
  const close = () => setOpened(undefined)
  const narrow = (account: string | undefined) => void navigate({ search: account === undefined ? {} : { account } })

  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Backups" below="Backups stay when their volume is deleted, and can be restored to a new one." />
      {isAdmin && (
        <div className="flex">
          <AccountFilter value={search.account} onChange={narrow} />
        </div>
      )}
      {page ? (
        page.nodes.length === 0 ? (
          <Empty icon={<Archive size={20} />} title="No backups yet">
            A backup is made on the page of a volume. All of them are listed here, also those whose volume is gone.
          </Empty>
        ) : (
          <>
            <BackupsList
              backups={page.nodes}
              isAdmin={isAdmin}
              onRestore={(backup) => setOpened({ dialog: 'restore', backup })}
              onDelete={(backup) => setOpened({ dialog: 'delete', backup })}
            />
            <Pager
              count={counted(page.totalCount, 'backup')}
              onPrevious={previous && (() => void navigate({ search: { account: search.account, ...previous } }))}
              onNext={next && (() => void navigate({ search: { account: search.account, ...next } }))}
            />
          </>
        )
      ) : error && !fetching ? (
        <ErrorState what="list" {...failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      ) : (
        <TableSkeleton rows={6} />
      )}
      {opened?.dialog === 'restore' && <RestoreDialog source={{ ...opened.backup, noun: 'backup', nameNow: opened.backup.volume?.name }} onClosed={close} />}
      {opened?.dialog === 'delete' && <DeleteItemDialog item={opened.backup} kind="backups" volumeId={opened.backup.volumeId} onClosed={close} />}
    </div>
  )
}
