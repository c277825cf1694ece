/** The page of a hypervisor: its agent, what that can do and signs in with, and where it writes backups. */

import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { Loaded } from '~/app/loaded'
import { BackupStorageDetail } from '~/pages/backup-storages/backup-storages-query'
import { AgentVersion } from '~/pages/hypervisors/agent-version'
import { HypervisorStatus } from '~/pages/hypervisors/hypervisor-status'
import { HypervisorRow } from '~/pages/hypervisors/hypervisors-query'
import { useHypervisorEvents } from '~/pages/hypervisors/use-hypervisor-events'
import { RemovalRows } from '~/pages/removal/removal-rows'
import { ActionRow, ActionRows } from '~/parts/action-rows'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { Facts } from '~/parts/facts'
import { PageSkeleton } from '~/parts/page-skeleton'
import { PageTitle } from '~/parts/page-title'
import { TextLink } from '~/parts/text-link'
import { Ago } from '~/parts/time'

import { BackupStorageSection } from './backup-storage-section'
import { CapabilitiesSection } from './capabilities-section'
import { ChangeHypervisorDialog } from './change-hypervisor-dialog'
import { EnrolmentTokenDialog } from './enrolment-token-dialog'
import { RevokeTokenDialog } from './revoke-token-dialog'

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

const DeleteHypervisor = graphql(`
  mutation DeleteHypervisor($input: DeleteHypervisorInput!) {
    deleteHypervisor(input: $input) {
      deletedHypervisorId
    }
  }
`)

export default function HypervisorPage() {
  const navigate = useNavigate()
  const { hypervisorId } = useParams({ from: '/admin/hypervisors/$hypervisorId' })
  const [result, ask] = useKeptQuery({ query: HypervisorQuery, variables: { id: hypervisorId } })
  const [opened, setOpened] = useState<'change' | 'revoke' | 'token'>()
  const known = result.data?.hypervisor
  useHypervisorEvents(undefined)
  useBreadcrumb(known?.name ?? (result.data ? 'Not found' : 'Loading…'))
  const close = () => setOpened(undefined)
  return (
    <Loaded result={result} ask={ask} pick={() => known} what="hypervisor" skeleton={<PageSkeleton what="hypervisor" />}>
      {(host) => (
        <div className="flex flex-col gap-5">
          <PageTitle
            mono
            title={host.name}
            section="Hypervisors"
            status={<HypervisorStatus status={host.status} />}
            below={<CopyId id={host.id} what={host.name} />}
            actions={<Button onClick={() => setOpened('change')}>Change…</Button>}
          />
          <Facts
            facts={[
              {
                label: 'Group',
                value: (
                  <TextLink to="/hypervisor-groups/$groupId" params={{ groupId: host.group.id }}>
                    <bdi>{host.group.name}</bdi>
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
          <ActionRows label="The agent’s token">
            <ActionRow title="New enrolment token" action={<Button onClick={() => setOpened('token')}>Make a token…</Button>}>
              For an agent that has lost its own, or that is set up anew. It is shown once.
            </ActionRow>
            <ActionRow title="Revoke the agent’s token" action={<Button onClick={() => setOpened('revoke')}>Revoke…</Button>}>
              The agent is shut out at once, as when its host was stolen or taken over.
            </ActionRow>
          </ActionRows>
          <RemovalRows
            removal={{
              noun: 'hypervisor',
              name: host.name,
              mutation: DeleteHypervisor,
              input: (confirmName) => ({ hypervisorId: host.id, confirmName }),
              onGone: () => void navigate({ to: '/hypervisors' }),
            }}
            writeOff={{ target: { hypervisorId: host.id }, about: 'What lies on it has to be written off before. What waits for its agent fails.' }}
          >
            One on which volumes, instances or operations are can’t be deleted, nor the last one of a group that has backups.
          </RemovalRows>
          {opened === 'change' && <ChangeHypervisorDialog hypervisor={host} onClosed={close} />}
          {opened === 'revoke' && <RevokeTokenDialog hypervisor={host} onClosed={close} />}
          {opened === 'token' && <EnrolmentTokenDialog hypervisor={host} onClosed={close} />}
        </div>
      )}
    </Loaded>
  )
}
