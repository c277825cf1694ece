/** The list of hypervisors, live. */

import { useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Server } from 'lucide-react'
import { useState } from 'react'

import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { ShownPart } from '~/parts/shown-part'
import { TableSkeleton } from '~/parts/skeleton'

import { AddHypervisorDialog } from './add-hypervisor-dialog'
import { type HypervisorRow, HypervisorsQuery } from './hypervisors-query'
import { HypervisorsTable } from './hypervisors-table'
import { useHypervisorEvents } from './use-hypervisor-events'

export default function HypervisorsPage() {
  const [result, ask] = useKeptQuery({ query: HypervisorsQuery })
  const { show } = useSearch({ from: '/admin/hypervisors' })
  const navigate = useNavigate({ from: '/hypervisors' })
  const [adding, setAdding] = useState(false)
  const hypervisors = result.data?.hypervisors
  useHypervisorEvents(hypervisors)
  const add = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      Add hypervisor
    </Button>
  )
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Hypervisors" actions={hypervisors && hypervisors.length > 0 && add} />
      <Loaded result={result} ask={ask} pick={(data) => data.hypervisors} what="list" skeleton={<TableSkeleton rows={3} />}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={<Server size={20} />} title="No hypervisors yet" action={add}>
              A hypervisor hosts volumes and instances. Its agent takes the snapshots and writes the backups.
            </Empty>
          ) : (
            <>
              {show && <ShownPart what={show === 'offline' ? 'Those that are offline.' : 'Those whose agent is of another version.'} onAll={() => void navigate({ search: {} })} />}
              <HypervisorsTable name="Hypervisors" hypervisors={all.filter((one) => isShown(one, show))} />
              <p className="text-small text-ink-3 nums">{counted(all.filter((one) => isShown(one, show)).length, 'hypervisor')}</p>
            </>
          )
        }
      </Loaded>
      {adding && <AddHypervisorDialog onClosed={() => setAdding(false)} />}
    </div>
  )
}

function isShown({ status, agentVersion, latestAgentVersion }: HypervisorRow, show: 'offline' | 'outdated' | undefined): boolean {
  if (show === 'offline') return status === 'OFFLINE'
  return show === undefined || (agentVersion !== null && agentVersion !== latestAgentVersion)
}
