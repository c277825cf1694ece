/** All backups, also those whose volume is gone. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Archive, SearchX } from 'lucide-react'
import { useState } from 'react'

import { useApi } from '~/api/context'
import { failureOf } from '~/api/failure'
import { useKeptQuery } from '~/api/use-kept-query'
import { ErrorState } from '~/app/error-state'
import { useIsAdmin } from '~/app/session'
import type { BackupsSearch } from '~/lib/backups-search'
import { beginOf } from '~/lib/period'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { RestoreDialog } from '~/pages/restore/restore-dialog'
import { DeleteFailedDialog } from '~/pages/volume/dialogs/delete-failed-dialog'
import { DeleteItemDialog } from '~/pages/volume/dialogs/delete-item-dialog'
import { DeleteFailedButton } from '~/pages/volume/items/delete-failed-button'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'

import { BackupsFilters } from './backups-filters'
import { type BackupItem, BackupsQuery } from './backups-query'
import { BackupsList } from './backups-list'

export default function BackupsPage() {
  const search = useSearch({ from: '/backups' })
  const navigate = useNavigate({ from: '/backups' })
  const isAdmin = useIsAdmin()
  const [opened, setOpened] = useState<{ dialog: 'restore' | 'delete'; backup: BackupItem } | { dialog: 'deleteFailed' }>()
  const { clock } = useApi()
  const { q, status, made, account } = search
  const isFiltered = Boolean(q ?? status ?? made ?? account)
  const filter = { search: q, status, createdAfter: beginOf(made, clock.now()), accountId: account }
  const [{ data, error, fetching }, ask] = useKeptQuery({ query: BackupsQuery, variables: { filter, ...pageArguments(search) }, acrossVariables: true })
  const page = data?.backups
  const { previous, next } = page ? neighbours(page.pageInfo) : {}
  const close = () => setOpened(undefined)
  // Another filter begins with the first page.
  const change = (changes: BackupsSearch) =>
    void navigate({ search: { ...search, after: undefined, before: undefined, ...changes }, replace: true, resetScroll: false })
  const failed = page?.nodes.filter((one) => one.status === 'FAILED') ?? []
  const isEmpty = page !== undefined && page.nodes.length === 0

  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Backups" below="Backups stay when their volume is deleted, and can be restored to a new one." />
      {!(isEmpty && !isFiltered) && (
        <div className="flex flex-wrap items-center justify-between gap-2">
          <BackupsFilters search={search} onChange={change} isAdmin={isAdmin} />
          {failed.length > 1 && <DeleteFailedButton count={failed.length} onClick={() => setOpened({ dialog: 'deleteFailed' })} />}
        </div>
      )}
      {page ? (
        isEmpty && isFiltered ? (
          <Empty icon={<SearchX size={20} />} title="No backup fits" action={<Button onClick={() => void navigate({ search: {} })}>Clear the filters</Button>}>
            There may be backups, but none that fits the search and the filters.
          </Empty>
        ) : isEmpty ? (
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
              onPrevious={previous && (() => change(previous))}
              onNext={next && (() => change(next))}
            />
          </>
        )
      ) : error && !fetching ? (
        <ErrorState what="list" {...failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      ) : (
        <TableSkeleton rows={6} />
      )}
      {opened?.dialog === 'restore' && <RestoreDialog source={{ ...opened.backup, noun: 'backup', nameNow: opened.backup.volume?.name }} onClosed={close} />}
      {opened?.dialog === 'deleteFailed' && <DeleteFailedDialog items={failed} kind="backups" onClosed={close} />}
      {opened?.dialog === 'delete' && <DeleteItemDialog item={opened.backup} kind="backups" volumeId={opened.backup.volumeId} onClosed={close} />}
    </div>
  )
}
