/** The list of volume plans, the disabled ones too. */

import { Layers, Plus } from 'lucide-react'
import { useState } from 'react'

import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { TableSkeleton } from '~/parts/skeleton'

import { CreatePlanDialog } from './create-plan-dialog'
import { PlansQuery } from './plans-query'
import { PlansTable } from './plans-table'

export default function PlansPage() {
  const [result, ask] = useKeptQuery({ query: PlansQuery })
  const [creating, setCreating] = useState(false)
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create plan
    </Button>
  )
  const some = (result.data?.volumePlans.length ?? 0) > 0
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Plans" below="Size, storage, caps and prices of volumes." actions={some && create} />
      <Loaded result={result} ask={ask} pick={(data) => data.volumePlans} what="list" skeleton={<TableSkeleton rows={4} />}>
        {(plans) =>
          plans.length === 0 ? (
            <Empty icon={<Layers size={20} />} title="No plans yet" action={create}>
              Each volume has a plan, which says how large it is, where it lies, and how many snapshots and backups it may have.
            </Empty>
          ) : (
            <>
              <PlansTable plans={plans} />
              <p className="text-small text-ink-3 nums">{counted(plans.length, 'plan')}</p>
            </>
          )
        }
      </Loaded>
      {creating && <CreatePlanDialog onClosed={() => setCreating(false)} />}
    </div>
  )
}
