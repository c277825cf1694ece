/** The list of instances: start and stop, and what is attached to each. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Cpu, Plus } from 'lucide-react'
import { useState } from 'react'

import { failureOf } from '~/api/failure'
import { useKeptQuery } from '~/api/use-kept-query'
import { ErrorState } from '~/app/error-state'
import { useIsAdmin } from '~/app/session'
import { counted, neighbours, pageArguments } from '~/lib/pages'
import { AccountFilter } from '~/pages/accounts/account-filter'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { Pager } from '~/parts/pager'
import { TableSkeleton } from '~/parts/skeleton'
import { type Column, Table } from '~/parts/table'

import { CreateInstanceDialog } from './create-instance-dialog'
import { type InstanceAction, InstanceActionDialog } from './instance-action-dialog'
import { InstanceTableRow } from './instance-row'
import { InstancesQuery } from './instances-query'

export default function InstancesPage() {
  const search = useSearch({ from: '/instances' })
  const navigate = useNavigate({ from: '/instances' })
  const isAdmin = useIsAdmin()
  const [creating, setCreating] = useState(false)
  const [acting, setActing] = useState<{ action: InstanceAction; instance: { id: string; name: string } }>()
  const [{ data, error, fetching }, ask] = useKeptQuery({ query: InstancesQuery, variables: { filter: { accountId: search.account }, isAdmin, ...pageArguments(search) }, acrossVariables: true })
  const page = data?.instances
  const { previous, next } = page ? neighbours(page.pageInfo) : {}
  const narrow = (account: string | undefined) => void navigate({ search: account === undefined ? {} : { account } })
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create instance
    </Button>
  )
  const columns: Column[] = [
    { label: 'Name', className: 'w-1/3' },
    { label: 'Status' },
    { label: 'Volumes', className: 'w-2/3' },
    ...(isAdmin ? [{ label: 'Owner', spare: true }] : []),
    { label: 'Per hour', right: true, spare: true },
    { label: 'Actions', silent: true },
  ]
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Instances" actions={isAdmin && create} />
      {isAdmin && (
        <div className="flex">
          <AccountFilter value={search.account} onChange={narrow} />
        </div>
      )}
      {page ? (
        page.nodes.length === 0 ? (
          <Empty icon={<Cpu size={20} />} title="No instances yet">
            An instance is a virtual machine. Volumes are attached to it on their own pages.
          </Empty>
        ) : (
          <>
            <Table name="Instances" columns={columns}>
              {page.nodes.map((instance) => (
                <InstanceTableRow key={instance.id} instance={instance} isAdmin={isAdmin} onAct={(action, acted) => setActing({ action, instance: acted })} />
              ))}
            </Table>
            <Pager
              count={counted(page.totalCount, 'instance')}
              onPrevious={previous && (() => void navigate({ search: { account: search.account, ...previous } }))}
              onNext={next && (() => void navigate({ search: { account: search.account, ...next } }))}
            />
          </>
        )
      ) : error && !fetching ? (
        <ErrorState what="list" {...failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      ) : (
        <TableSkeleton rows={3} />
      )}
      {acting && <InstanceActionDialog {...acting} onClosed={() => setActing(undefined)} />}
      {creating && <CreateInstanceDialog accountId={search.account} onClosed={() => setCreating(false)} />}
    </div>
  )
}
