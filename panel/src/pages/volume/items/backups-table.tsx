/** The backups of a volume, the newest first. */

import { formatBytes, UNKNOWN } from '~/lib/bytes'
import { formatCredits, monthlyCredits, soFar } from '~/lib/credits'
import { Cell, type Column, Lines, Table } from '~/parts/table'

import type { BackupRow, VolumeDetail } from '../volume-query'

import { BackupAbout } from './backup-about'
import { ItemRow } from './item-row'
import type { Reasons } from './use-reasons'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Status' },
  { label: 'Size', right: true },
  { label: 'Destination', extra: true },
  { label: 'Per month', right: true, spare: true },
  { label: 'Created' },
  { label: 'Actions', silent: true },
]

interface BackupsTableProps {
  volume: VolumeDetail
  reasons: Reasons
  onRestore: (item: BackupRow) => void
  onDelete: (item: BackupRow) => void
}

export function BackupsTable({ volume, reasons, onRestore, onDelete }: BackupsTableProps) {
  return (
    <Table name="Backups" columns={COLUMNS}>
      {volume.backups.nodes.map((item) => (
        <ItemRow
          key={item.id}
          item={item}
          about={<BackupAbout backup={item} />}
          restoreReason={reasons.restore(item)}
          deleteReason={reasons.remove(item)}
          onRestore={() => onRestore(item)}
          onDelete={() => onDelete(item)}
        >
          <Cell right place="late" className="whitespace-nowrap">
            {item.availableAt ? formatBytes(item.volumeSizeBytes) : UNKNOWN}
          </Cell>
          <Cell extra className="max-w-40 truncate text-ink-2">
            {item.location?.storageName ?? UNKNOWN}
          </Cell>
          <Cell right place="gone" className="whitespace-nowrap text-ink-2">
            <Lines
              first={item.status === 'AVAILABLE' && item.verification?.ok !== false ? formatCredits(monthlyCredits(item.volumeSizeBytes, volume.plan.backupCreditValue)) : UNKNOWN}
              second={soFar(item.cost)}
            />
          </Cell>
        </ItemRow>
      ))}
    </Table>
  )
}
