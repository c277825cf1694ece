/** The list of volumes. Search, filters, order and page stand in the URL. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { HardDrive, Plus, SearchX } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'

import { useApi } from '~/api/context'
import { failureOf } from '~/api/failure'
import { useKeptQuery } from '~/api/use-kept-query'
import { useIsAdmin } from '~/app/session'
import { ErrorState } from '~/app/error-state'
import { loadPart } from '~/lib/load-part'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { withoutBackup } from '~/lib/period'
import { orderOf, type VolumesSearch } from '~/lib/volumes-search'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'

import { VolumesFilters } from './volumes-filters'
import { VolumesQuery } from './volumes-query'
import { VolumesTable } from './volumes-table'

// The first screen of most, which opens sooner without it.
const CreateVolumeDialog = lazy(() => loadPart(() => import('./create-volume-dialog')))

export default function VolumesPage() {
  const search = useSearch({ from: '/volumes' })
  const navigate = useNavigate({ from: '/volumes' })
  const isAdmin = useIsAdmin()
  const [creating, setCreating] = useState(false)
  const { clock } = useApi()
  const { q, status, storage, account, backup, sort = '-created', after, before } = search
  const isFiltered = Boolean(q ?? status ?? storage ?? account ?? backup)
  const [{ data, error, fetching }, ask] = useKeptQuery({
    query: VolumesQuery,
    acrossVariables: true,
    variables: {
      filter: { search: q, status, storageType: storage, accountId: account, ...withoutBackup(backup, clock.now()) },
      orderBy: orderOf(sort),
      ...pageArguments({ after, before }),
    },
  })
  // Another filter or order begins with the first page.
  const change = (changes: VolumesSearch) =>
    void navigate({ search: { ...search, after: undefined, before: undefined, ...changes }, replace: true, resetScroll: false })

  const page = data?.volumes
  const { previous, next } = page ? neighbours(page.pageInfo) : {}
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create volume
    </Button>
  )
  const isEmpty = page !== undefined && page.nodes.length === 0

  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Volumes" actions={!(isEmpty && !isFiltered) && create} />
      {!(isEmpty && !isFiltered) && <VolumesFilters search={search} onChange={change} isAdmin={isAdmin} />}
      {page ? (
        <>
          {!isEmpty ? (
            <>
              <VolumesTable volumes={page.nodes} sort={sort} onSort={(chosen) => change({ sort: chosen })} isAdmin={isAdmin} />
              <Pager
                count={counted(page.totalCount, 'volume')}
                onPrevious={previous && (() => change(previous))}
                onNext={next && (() => change(next))}
              />
            </>
          ) : isFiltered ? (
            <Empty
              icon={<SearchX size={20} />}
              title="No volume fits"
              action={<Button onClick={() => void navigate({ search: {} })}>Clear the filters</Button>}
            >
              There are volumes, but none that fits the search and the filters.
            </Empty>
          ) : (
            <Empty icon={<HardDrive size={20} />} title="No volumes yet" action={create}>
              A volume is a disk for an instance. Snapshots and backups protect what is on it.
            </Empty>
          )}
        </>
      ) : error && !fetching ? (
        <ErrorState what="list" {...failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      ) : (
        <TableSkeleton rows={6} />
      )}
      <Suspense fallback={null}>{creating && <CreateVolumeDialog onClosed={() => setCreating(false)} />}</Suspense>
    </div>
  )
}
