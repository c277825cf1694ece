/** Plans in rows. */

import { formatBytes } from '~/lib/bytes'
import { formatCreditRate } from '~/lib/credits'
import { storageName } from '~/lib/storage'
import { Status } from '~/parts/status'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

import type { PlanRow } from './plans-query'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Status' },
  { label: 'Snapshots', right: true, spare: true },
  { label: 'Backups', right: true, spare: true },
  { label: 'Volumes', right: true },
]

export function PlansTable({ plans }: { plans: readonly PlanRow[] }) {
  return (
    <Table name="Plans" columns={COLUMNS}>
      {plans.map((plan) => (
        <Row key={plan.id}>
          <Cell className="@table:max-w-0 @table:min-w-40">
            <Lines
              first={
                <TextLink to="/plans/$planId" params={{ planId: plan.id }} className="text-body font-medium text-ink!">
                  <bdi>{plan.name}</bdi>
                </TextLink>
              }
              second={`${formatBytes(plan.sizeBytes)} · ${storageName(plan.storageType)}`}
              title={plan.name}
            />
          </Cell>
          <Cell place="right">{plan.enabled ? <Status tone="plain">Enabled</Status> : <Status tone="neutral">Disabled</Status>}</Cell>
          <Cell right place="gone" className="whitespace-nowrap">
            <Lines first={`Up to ${plan.maxSnapshots}`} second={formatCreditRate(plan.snapshotCreditValue)} />
          </Cell>
          <Cell right place="gone" className="whitespace-nowrap">
            <Lines first={`Up to ${plan.maxBackups}`} second={formatCreditRate(plan.backupCreditValue)} />
          </Cell>
          <Cell right place="late" className="whitespace-nowrap">
            {plan.volumeCount}
            <span className="@table:hidden"> {plan.volumeCount === 1 ? 'volume' : 'volumes'}</span>
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
