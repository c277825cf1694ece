/** The rows of the list of volumes. */

import { formatBytes } from '~/lib/bytes'
import { storageName } from '~/lib/storage'
import type { VolumesSort } from '~/lib/volumes-search'
import { VolumeStatus } from '~/pages/volume/volume-status'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'
import { Ago, TimeLines } from '~/parts/time'

import type { VolumeRow } from './volumes-query'

interface VolumesTableProps {
  volumes: readonly VolumeRow[]
  sort: VolumesSort
  onSort: (sort: VolumesSort) => void
  isAdmin: boolean
}

export function VolumesTable({ volumes, sort, onSort, isAdmin }: VolumesTableProps) {
  /** A second click on a head turns the order. */
  const sortBy = (up: VolumesSort, down: VolumesSort, first: VolumesSort) => ({
    direction: sort === up ? ('ascending' as const) : sort === down ? ('descending' as const) : undefined,
    onSort: () => onSort(sort === first ? (first === up ? down : up) : first),
  })
  const columns: Column[] = [
    { label: 'Name', className: 'w-full', sort: sortBy('name', '-name', 'name') },
    { label: 'Status' },
    { label: 'Size', right: true, sort: sortBy('size', '-size', '-size') },
    { label: 'Snapshots', right: true, spare: true },
    { label: 'Last backup', sort: sortBy('backup', '-backup', 'backup') },
    { label: isAdmin ? 'Owner' : 'Attached to', spare: true },
    { label: 'Created', sort: sortBy('created', '-created', '-created') },
  ]
  return (
    <Table name="Volumes" columns={columns}>
      {volumes.map((volume) => (
        <Row key={volume.id}>
          <Cell className="@table:max-w-0 @table:min-w-40">
            <Lines
              first={
                <TextLink to="/volumes/$volumeId" params={{ volumeId: volume.id }} className="text-body font-medium text-ink!">
                  <bdi>{volume.name}</bdi>
                </TextLink>
              }
              second={<><bdi>{volume.plan.name}</bdi> · {storageName(volume.storageType)} · <bdi>{volume.hypervisorGroup.name}</bdi></>}
              title={volume.name}
            />
          </Cell>
          <Cell place="right">
            <VolumeStatus {...volume} quiet />
          </Cell>
          <Cell right place="late" className="whitespace-nowrap">
            {formatBytes(volume.sizeBytes)}
          </Cell>
          <Cell right place="gone" className="whitespace-nowrap text-ink-2">
            {volume.usage.snapshots} of {volume.usage.maxSnapshots}
          </Cell>
          <Cell place="wide" className="whitespace-nowrap">
            <Lines
              first={
                volume.lastBackupAt ? (
                  <>
                    <span className="text-ink-3 @table:hidden">Last backup </span>
                    <Ago at={volume.lastBackupAt} />
                  </>
                ) : (
                  <span className="text-warn">No backup</span>
                )
              }
              second={`${volume.usage.backups} of ${volume.usage.maxBackups}`}
            />
          </Cell>
          <Cell place="gone" className="max-w-40 truncate text-ink-2">
            {isAdmin ? (
              <TextLink to="/accounts/$accountId" params={{ accountId: volume.account.id }} title={volume.account.name}>
                <bdi>{volume.account.name}</bdi>
              </TextLink>
            ) : (
              (volume.attachedTo?.name ?? '—')
            )}
          </Cell>
          <Cell>
            <TimeLines at={volume.createdAt} />
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
