/** The snapshots of a volume, the newest first. */

import { formatBytes, UNKNOWN } from '~/lib/bytes'
import { formatCredits, monthlyCredits, soFar } from '~/lib/credits'
import { Cell, type Column, Lines, Table } from '~/parts/table'

import type { SnapshotRow, VolumeDetail } from '../volume-query'

import { ItemRow } from './item-row'
import type { Reasons } from './use-reasons'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Status' },
  { label: 'Unique data', right: true },
  { label: 'Per month', right: true, spare: true },
  { label: 'Created' },
  { label: 'Actions', silent: true },
]

interface SnapshotsTableProps {
  volume: VolumeDetail
  reasons: Reasons
  onRestore: (item: SnapshotRow) => void
  onDelete: (item: SnapshotRow) => void
}

export function SnapshotsTable({ volume, reasons, onRestore, onDelete }: SnapshotsTableProps) {
  return (
    <Table name="Snapshots" columns={COLUMNS}>
      {volume.snapshots.nodes.map((item) => (
        <ItemRow
          key={item.id}
          item={item}
          restoreReason={reasons.restore(item)}
          deleteReason={reasons.remove(item)}
          onRestore={() => onRestore(item)}
          onDelete={() => onDelete(item)}
        >
          <Cell right place="late" className="whitespace-nowrap">
            {item.availableAt ? formatBytes(item.retainedBytes) : UNKNOWN}
          </Cell>
          <Cell right place="gone" className="whitespace-nowrap text-ink-2">
            <Lines first={item.status === 'AVAILABLE' ? formatCredits(monthlyCredits(item.retainedBytes, volume.plan.snapshotCreditValue)) : UNKNOWN} second={soFar(item.cost)} />
          </Cell>
        </ItemRow>
      ))}
    </Table>
  )
}
