/** The page of a hypervisor: its agent, what that can do, and where it writes backups. */

import { useParams } from '@tanstack/react-router'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { BackupStorageDetail } from '~/pages/backup-storages/backup-storages-query'
import { AgentVersion } from '~/pages/hypervisors/agent-version'
import { HypervisorStatus } from '~/pages/hypervisors/hypervisor-status'
import { HypervisorRow } from '~/pages/hypervisors/hypervisors-query'
import { useHypervisorEvents } from '~/pages/hypervisors/use-hypervisor-events'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { TextLink } from '~/parts/text-link'
import { Ago } from '~/parts/time'

import { BackupStorageSection } from './backup-storage-section'
import { CapabilitiesSection } from './capabilities-section'

const HypervisorQuery = graphql(
  `
    query Hypervisor($id: ID!) {
      serverTime
      hypervisor(id: $id) {
        ...HypervisorRow
        backupStorage { ...BackupStorageDetail }
      }
    }
  `,
  [HypervisorRow, BackupStorageDetail],
)

export default function HypervisorPage() {
  const { hypervisorId } = useParams({ from: '/admin/hypervisors/$hypervisorId' })
  const [result, ask] = useKeptQuery({ query: HypervisorQuery, variables: { id: hypervisorId } })
  const known = result.data?.hypervisor
  useHypervisorEvents(undefined)
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="hypervisor" skeleton={<PageSkeleton what="hypervisor" />}>
      {(host) => (
        <div className="flex flex-col gap-5">
          <PageTitle mono title={host.name} section="Hypervisors" status={<HypervisorStatus status={host.status} />} below={<CopyId id={host.id} what={host.name} />} />
          <Facts
            facts={[
              {
                label: 'Group',
                value: (
                  <TextLink to="/hypervisor-groups/$groupId" params={{ groupId: host.group.id }}>
                    {host.group.name}
                  </TextLink>
                ),
              },
              { label: 'Agent', value: <AgentVersion hypervisor={host} /> },
              { label: 'Last seen', value: host.lastSeenAt ? <Ago at={host.lastSeenAt} /> : 'Never' },
            ]}
          />
          <div className="grid items-start gap-5 lg:grid-cols-2">
            <BackupStorageSection hypervisor={host} />
            <CapabilitiesSection hypervisor={host} />
          </div>
        </div>
      )}
    </Loaded>
  )
}
