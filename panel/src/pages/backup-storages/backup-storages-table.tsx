/** The rows of the list of backup storages. */

import { KIND_NAMES } from '~/lib/backup-storage'
import { formatRate } from '~/lib/bytes'
import { Button } from '~/parts/button'
import { Status } from '~/parts/status'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'
import { Ago } from '~/parts/time'

import type { BackupStorageDetail } from './backup-storages-query'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-1/2' },
  { label: 'Last test', className: 'w-1/2' },
  { label: 'Type' },
  { label: 'Limit', right: true, spare: true },
  { label: 'Actions', silent: true },
]

interface BackupStoragesTableProps {
  storages: readonly BackupStorageDetail[]
  onTest: (storage: BackupStorageDetail) => void
}

export function BackupStoragesTable({ storages, onTest }: BackupStoragesTableProps) {
  return (
    <Table name="Backup storages" columns={COLUMNS}>
      {storages.map((storage) => (
        <Row key={storage.id}>
          <Cell place="wide" className="@table:max-w-0 @table:min-w-40">
            <Lines
              first={
                <TextLink to="/backup-storages/$storageId" params={{ storageId: storage.id }} className="text-body font-medium text-ink!">
                  <bdi>{storage.name}</bdi>
                </TextLink>
              }
              second={<span className="block truncate font-mono">{storage.summary.replace(/^\w+: /, '')}</span>}
              title={`${storage.name}, ${storage.summary}`}
            />
          </Cell>
          <Cell place="wide" className="@table:max-w-0 @table:min-w-40">
            <LastTest test={storage.lastTest} />
          </Cell>
          <Cell className="whitespace-nowrap text-ink-2">{KIND_NAMES[storage.kind]}</Cell>
          <Cell right place="gone" className="whitespace-nowrap text-ink-2">
            {storage.bandwidthLimit === null ? 'None' : formatRate(storage.bandwidthLimit)}
          </Cell>
          <Cell place="late">
            <Button size="small" onClick={() => onTest(storage)} aria-label={`Test ${storage.name}`}>
              Test…
            </Button>
          </Cell>
        </Row>
      ))}
    </Table>
  )
}

function LastTest({ test }: { test: BackupStorageDetail['lastTest'] }) {
  if (!test) return <Status tone="neutral">Never tested</Status>
  return (
    <Lines
      first={
        <span className="flex items-center gap-2">
          {test.ok ? <Status tone="plain">Works</Status> : <Status tone="bad">Failed</Status>}
          <span className="text-ink-3">
            <Ago at={test.at} /> from {test.hypervisor?.name ?? 'the gateway'}
          </span>
        </span>
      }
      second={!test.ok && <span className="line-clamp-2 text-bad anywhere">{test.message}</span>}
    />
  )
}
