/** The tab Snapshots & Backups: what runs, when one can go back to, and both lists. */

import { Archive, Camera, Plus } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import { useOperationsOf } from '~/api/context'
import { capReason } from '~/lib/guards'
import type { Meter } from '~/lib/rate'
import { RestoreDialog } from '~/pages/restore/restore-dialog'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { CapNote, Quota } from '~/parts/quota'
import { Segmented } from '~/parts/segmented'

import { OperationBanner } from '../banner/operation-banner'
import { CreateItemDialog } from '../dialogs/create-item-dialog'
import { DeleteFailedDialog } from '../dialogs/delete-failed-dialog'
import { DeleteItemDialog } from '../dialogs/delete-item-dialog'
import type { BackupRow, SnapshotRow, VolumeDetail } from '../volume-query'

import { BackupsTable } from './backups-table'
import { DeleteFailedButton } from './delete-failed-button'
import { InFlightNote } from './in-flight-note'
import { type ItemKind, RecoveryRibbon } from './recovery-ribbon'
import { SnapshotsTable } from './snapshots-table'
import { useReasons } from './use-reasons'

const WORDS = {
  snapshots: {
    noun: 'snapshots',
    one: 'Snapshot',
    create: 'Take snapshot',
    first: 'Take the first snapshot',
    none: 'No snapshots yet',
    what: 'A snapshot marks this moment so that you can roll back to it. It takes seconds and costs only what changes afterwards.',
    note: 'Snapshots live on the same storage as the volume and are lost with it. Keep a backup of anything you cannot recreate.',
    icon: Camera,
  },
  backups: {
    noun: 'backups',
    one: 'Backup',
    create: 'Create backup',
    first: 'Create the first backup',
    none: 'No backups yet',
    what: 'A backup is a full copy on a separate storage. It takes longer than a snapshot and survives the loss of the volume.',
    note: 'Each backup is a full, independent copy. It survives the loss of the volume and its storage.',
    icon: Archive,
  },
} as const

interface ItemsTabProps {
  volume: VolumeDetail
  meter: Meter
  kind: ItemKind
  onKind: (kind: ItemKind) => void
}

type Opened = { dialog: 'create' | 'restore' | 'delete' | 'deleteFailed'; item?: SnapshotRow | BackupRow; kind: ItemKind }

export function ItemsTab({ volume, meter, kind, onKind }: ItemsTabProps) {
  const reasons = useReasons(volume)
  const [opened, setOpened] = useState<Opened>()
  const { usage, snapshots, backups } = volume
  const { asked, active } = useOperationsOf(volume.id)
  const words = WORDS[kind]
  const reason = kind === 'snapshots' ? reasons.createSnapshot : reasons.createBackup
  const rows = kind === 'snapshots' ? snapshots.nodes : backups.nodes
  const [used, most] = kind === 'snapshots' ? [usage.snapshots, usage.maxSnapshots] : [usage.backups, usage.maxBackups]
  const Icon = words.icon
  const failed = rows.filter(({ status }) => status === 'FAILED')
  const open = (dialog: Opened['dialog'], item?: SnapshotRow | BackupRow) => setOpened({ dialog, item, kind })
  const create = (label: string, icon: ReactNode) => (
    <Button kind="primary" icon={icon} reason={reason} onClick={() => open('create')}>
      {label}
    </Button>
  )
  const lists = { volume, reasons, onRestore: (item: SnapshotRow | BackupRow) => open('restore', item), onDelete: (item: SnapshotRow | BackupRow) => open('delete', item) }

  return (
    <>
      <OperationBanner volume={volume} meter={meter} />
      <RecoveryRibbon snapshots={snapshots.nodes} backups={backups.nodes} current={kind} coming={isMaking((asked ?? active)?.kind)} />
      <Segmented
        name="Kind of recovery point"
        options={[
          { value: 'snapshots', label: 'Snapshots', count: snapshots.nodes.length },
          { value: 'backups', label: 'Backups', count: backups.nodes.length },
        ]}
        value={kind}
        onChange={onKind}
        aside={
          <div className="flex flex-wrap items-center gap-x-5 gap-y-3">
            <Quota used={used} most={most} noun={words.noun} />
            {failed.length > 1 && (
              <DeleteFailedButton count={failed.length} reason={failed[0] ? reasons.remove(failed[0]) : null} onClick={() => open('deleteFailed')} />
            )}
            {rows.length > 0 && create(words.create, <Icon size={16} aria-hidden />)}
          </div>
        }
      >
        {used >= most && <CapNote>{capReason(words.one, used, most)}</CapNote>}
        <InFlightNote
          blockers={(kind === 'snapshots' ? volume.actions.createSnapshot : volume.actions.createBackup).blockers}
          accountId={volume.account.id}
        />
        {rows.length === 0 ? (
          <Empty icon={<Icon size={20} />} title={words.none} action={create(words.first, <Plus size={16} aria-hidden />)}>
            {words.what}
          </Empty>
        ) : kind === 'snapshots' ? (
          <SnapshotsTable {...lists} />
        ) : (
          <BackupsTable {...lists} />
        )}
        <p className="text-meta text-ink-3">{words.note}</p>
      </Segmented>
      {opened?.dialog === 'create' && <CreateItemDialog volume={volume} kind={opened.kind} onClosed={() => setOpened(undefined)} />}
      {opened?.dialog === 'restore' && opened.item && (
        <RestoreDialog
          source={{
            ...opened.item,
            noun: opened.kind === 'snapshots' ? 'snapshot' : 'backup',
            storageType: volume.storageType,
            volumeId: volume.id,
            volumeName: volume.name,
            nameNow: volume.name,
          }}
          onClosed={() => setOpened(undefined)}
        />
      )}
      {opened?.dialog === 'deleteFailed' && <DeleteFailedDialog items={failed} kind={opened.kind} onClosed={() => setOpened(undefined)} />}
      {opened?.dialog === 'delete' && opened.item && (
        <DeleteItemDialog item={opened.item} kind={opened.kind} volumeId={volume.id} onClosed={() => setOpened(undefined)} />
      )}
    </>
  )
}

function isMaking(kind: string | undefined): boolean {
  return kind === 'CREATE_SNAPSHOT' || kind === 'CREATE_BACKUP'
}
