/** The page of a plan: what it is, its caps and prices, and who has it. */

import { useNavigate, useParams } from '@tanstack/react-router'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { formatBytes } from '~/lib/bytes'
import { storageName } from '~/lib/storage'
import { PlanRow } from '~/pages/plans/plans-query'
import { RemovalRows } from '~/pages/removal/removal-rows'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { Status } from '~/parts/status'
import { TextLink } from '~/parts/text-link'

import { PlanForm } from './plan-form'
import { RatesTable } from './rates-table'

const DeletePlan = graphql(`
  mutation DeleteVolumePlan($input: DeleteVolumePlanInput!) {
    deleteVolumePlan(input: $input) {
      deletedPlanId
    }
  }
`)

const PlanQuery = graphql(
  `
    query Plan($id: ID!) {
      serverTime
      node(id: $id) {
        __typename
        id
        ... on VolumePlan { ...PlanRow rates { kind credits from } }
      }
      hypervisorGroups { id name plans { id } }
    }
  `,
  [PlanRow],
)

export default function PlanPage() {
  const navigate = useNavigate()
  const { planId } = useParams({ from: '/admin/plans/$planId' })
  const [result, ask] = useKeptQuery({ query: PlanQuery, variables: { id: planId } })
  const node = result.data?.node
  const known = node?.__typename === 'VolumePlan' ? node : undefined
  const groups = result.data?.hypervisorGroups.filter((group) => group.plans.some((plan) => plan.id === planId)) ?? []
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="plan" skeleton={<PageSkeleton what="plan" />}>
      {(plan) => (
        <div className="flex flex-col gap-5">
          <PageTitle
            title={plan.name}
            section="Plans"
            status={plan.enabled ? <Status tone="ok">Enabled</Status> : <Status tone="neutral">Disabled</Status>}
            below={<CopyId id={plan.id} what={plan.name} />}
          />
          <Facts
            facts={[
              { label: 'Size', value: formatBytes(plan.sizeBytes) },
              { label: 'Storage', value: storageName(plan.storageType) },
              {
                label: 'Offered in',
                value:
                  groups.length === 0 ? (
                    <span className="font-normal text-ink-3">No group</span>
                  ) : (
                    <span className="flex flex-wrap gap-x-4 gap-y-2">
                      {groups.map((group) => (
                        <TextLink key={group.id} to="/hypervisor-groups/$groupId" params={{ groupId: group.id }}>
                          <bdi>{group.name}</bdi>
                        </TextLink>
                      ))}
                    </span>
                  ),
              },
            ]}
          />
          <PlanForm key={plan.id} plan={plan} />
          <RatesTable rates={plan.rates} />
          <RemovalRows
            removal={{
              noun: 'plan',
              name: plan.name,
              mutation: DeletePlan,
              input: (confirmName) => ({ planId: plan.id, confirmName }),
              onGone: () => void navigate({ to: '/plans' }),
            }}
          >
            A plan that volumes or backups have can’t be deleted. Disable it, and no new volume has it.
          </RemovalRows>
        </div>
      )}
    </Loaded>
  )
}
