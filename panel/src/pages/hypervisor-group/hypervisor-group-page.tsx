/** The page of a hypervisor group: its backup storage, hypervisors, storage pools and plans. */

import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { GroupDialog } from '~/pages/hypervisor-groups/group-dialog'
import { AddHypervisorDialog } from '~/pages/hypervisors/add-hypervisor-dialog'
import { HypervisorRow } from '~/pages/hypervisors/hypervisors-query'
import { HypervisorsTable } from '~/pages/hypervisors/hypervisors-table'
import { useHypervisorEvents } from '~/pages/hypervisors/use-hypervisor-events'
import { PlaceFacts } from '~/pages/place/place-query'
import { PlansTable } from '~/pages/plans/plans-table'
import { PlanRow } from '~/pages/plans/plans-query'
import { RemovalRows } from '~/pages/removal/removal-rows'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { SubList } from '~/parts/sub-list'
import { TextLink } from '~/parts/text-link'

import { PoolDialog } from './pool-dialog'
import { PoolsTable } from './pools-table'

const GroupQuery = graphql(
  `
    query HypervisorGroup($id: ID!) {
      serverTime
      node(id: $id) {
        __typename
        id
        ... on HypervisorGroup {
          name
          backupStorage { id name }
          hypervisors { ...HypervisorRow }
          plans { ...PlanRow }
        }
      }
      storagePools { id name storageType summary hypervisor { id name } marks { ...PlaceFacts } hypervisorGroup { id } }
    }
  `,
  [HypervisorRow, PlanRow, PlaceFacts],
)

const DeleteGroup = graphql(`
  mutation DeleteHypervisorGroup($input: DeleteHypervisorGroupInput!) {
    deleteHypervisorGroup(input: $input) {
      deletedHypervisorGroupId
    }
  }
`)

export default function HypervisorGroupPage() {
  const navigate = useNavigate()
  const { groupId } = useParams({ from: '/admin/hypervisor-groups/$groupId' })
  const [result, ask] = useKeptQuery({ query: GroupQuery, variables: { id: groupId } })
  const [opened, setOpened] = useState<'change' | 'pool' | 'hypervisor'>()
  const node = result.data?.node
  const known = node?.__typename === 'HypervisorGroup' ? node : undefined
  const pools = result.data?.storagePools.filter((pool) => pool.hypervisorGroup.id === groupId) ?? []
  useHypervisorEvents(undefined)
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  const close = () => setOpened(undefined)
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="hypervisor group" skeleton={<PageSkeleton what="hypervisor group" />}>
      {(group) => (
        <div className="flex flex-col gap-7">
          <div className="flex flex-col gap-5">
            <PageTitle
              title={group.name}
              section="Hypervisor groups"
              below={<CopyId id={group.id} what={group.name} />}
              actions={<Button onClick={() => setOpened('change')}>Change…</Button>}
            />
            <Facts
              facts={[
                {
                  label: 'Backup storage',
                  value: group.backupStorage ? (
                    <TextLink to="/backup-storages/$storageId" params={{ storageId: group.backupStorage.id }}>
                      <bdi>{group.backupStorage.name}</bdi>
                    </TextLink>
                  ) : (
                    <span className="text-warn">None: no backups can be made here</span>
                  ),
                },
                { label: 'Hypervisors', value: group.hypervisors.length },
                { label: 'Storage pools', value: pools.length },
                { label: 'Plans', value: group.plans.length },
              ]}
            />
          </div>
          <SubList
            title="Hypervisors"
            action={<Button size="small" onClick={() => setOpened('hypervisor')}>Add hypervisor…</Button>}
            empty={group.hypervisors.length === 0 && 'No hypervisor is in this group yet.'}
          >
            <HypervisorsTable name="Hypervisors" hypervisors={group.hypervisors} />
          </SubList>
          <SubList
            title="Storage pools"
            action={<Button size="small" onClick={() => setOpened('pool')}>Add storage pool…</Button>}
            empty={pools.length === 0 && 'Without a pool, no volume can be made here.'}
          >
            <PoolsTable pools={pools} hosts={group.hypervisors} />
          </SubList>
          <SubList title="Plans" empty={group.plans.length === 0 && 'No enabled plan has the storage type of one of its pools.'}>
            <PlansTable plans={group.plans} />
          </SubList>
          <RemovalRows
            removal={{
              noun: 'hypervisor group',
              name: group.name,
              mutation: DeleteGroup,
              input: (confirmName) => ({ hypervisorGroupId: group.id, confirmName }),
              onGone: () => void navigate({ to: '/hypervisor-groups' }),
            }}
          >
            A group that has hypervisors, storage pools, volumes or backups can’t be deleted. Delete those first.
          </RemovalRows>
          {opened === 'change' && <GroupDialog group={group} onClosed={close} />}
          {opened === 'pool' && <PoolDialog group={group} onClosed={close} />}
          {opened === 'hypervisor' && <AddHypervisorDialog groupId={group.id} onClosed={close} />}
        </div>
      )}
    </Loaded>
  )
}
