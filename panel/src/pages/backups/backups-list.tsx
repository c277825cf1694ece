/** The rows of the list of backups. */

import { formatBytes, UNKNOWN } from '~/lib/bytes'
import { removalReason } from '~/lib/removal'
import { BackupAbout } from '~/pages/volume/items/backup-about'
import { ItemRow } from '~/pages/volume/items/item-row'
import { Cell, type Column, Lines, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

import type { BackupItem } from './backups-query'

const columns = (isAdmin: boolean): readonly Column[] => [
  { label: 'Name', className: 'w-1/2' },
  { label: 'Status' },
  { label: 'Volume', className: 'w-1/2' },
  { label: 'Size', right: true },
  isAdmin ? { label: 'Owner', spare: true } : { label: 'Destination', extra: true },
  { label: 'Created' },
  { label: 'Actions', silent: true },
]

interface BackupsListProps {
  backups: readonly BackupItem[]
  isAdmin: boolean
  onRestore: (backup: BackupItem) => void
  onDelete: (backup: BackupItem) => void
}

export function BackupsList({ backups, isAdmin, onRestore, onDelete }: BackupsListProps) {
  return (
    <Table name="Backups" columns={columns(isAdmin)}>
      {backups.map((backup) => (
        <ItemRow
          key={backup.id}
          item={backup}
          about={<BackupAbout backup={backup} />}
          restoreReason={null}
          deleteReason={removalReason(backup.status)}
          onRestore={() => onRestore(backup)}
          onDelete={() => onDelete(backup)}
        >
          <Cell place="wide" className="@table:max-w-0 @table:min-w-24">
            {backup.volume ? (
              <Lines first={<TextLink to="/volumes/$volumeId" params={{ volumeId: backup.volume.id }} search={{ tab: 'backups' }}><bdi>{backup.volume.name}</bdi></TextLink>} />
            ) : (
              <Lines first={backup.volumeName} second="Volume is gone" />
            )}
          </Cell>
          <Cell right place="late" className="whitespace-nowrap">
            {formatBytes(backup.volumeSizeBytes)}
          </Cell>
          {isAdmin ? (
            <Cell place="gone" className="max-w-40 truncate">
              <TextLink to="/accounts/$accountId" params={{ accountId: backup.account.id }} title={backup.account.name}>
                <bdi>{backup.account.name}</bdi>
              </TextLink>
            </Cell>
          ) : (
            <Cell extra className="max-w-40 truncate text-ink-2">
              {backup.location?.storageName ?? UNKNOWN}
            </Cell>
          )}
        </ItemRow>
      ))}
    </Table>
  )
}
