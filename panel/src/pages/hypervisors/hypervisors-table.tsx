/** Hypervisors in rows. */

import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'
import { Ago } from '~/parts/time'

import { AgentVersion } from './agent-version'
import { HypervisorStatus } from './hypervisor-status'
import type { HypervisorRow } from './hypervisors-query'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Status' },
  { label: 'Agent' },
  { label: 'Last seen' },
  { label: 'Backup storage', spare: true },
]

export function HypervisorsTable({ name, hypervisors }: { name: string; hypervisors: readonly HypervisorRow[] }) {
  return (
    <Table name={name} columns={COLUMNS}>
      {hypervisors.map((host) => (
        <Row key={host.id}>
          <Cell className="@table:max-w-0 @table:min-w-40">
            <Lines
              first={
                <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: host.id }} className="font-mono text-body font-medium text-ink!">
                  <bdi>{host.name}</bdi>
                </TextLink>
              }
              second={host.group.name}
              title={host.name}
            />
          </Cell>
          <Cell place="right">
            <HypervisorStatus status={host.status} quiet />
          </Cell>
          <Cell>
            {/* The head says so where there is one. */}
            <span className="text-meta text-ink-3 @table:hidden">Agent</span>
            <AgentVersion hypervisor={host} />
          </Cell>
          <Cell place="late" className="whitespace-nowrap text-ink-2">
            {host.lastSeenAt ? <Ago at={host.lastSeenAt} /> : 'Never'}
          </Cell>
          <Cell place="gone" className="whitespace-nowrap">
            {host.backupStorage ? (
              <Lines
                first={
                  <TextLink to="/backup-storages/$storageId" params={{ storageId: host.backupStorage.id }}>
                    <bdi>{host.backupStorage.name}</bdi>
                  </TextLink>
                }
                second={host.usesGroupBackupStorage ? 'Its group’s' : 'Its own'}
              />
            ) : (
              <span className="text-warn">None</span>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
