/** The storage pools of a hypervisor group, and what can be done with each. */

import { useState } from 'react'

import { storageName } from '~/lib/storage'
import { ActionMenu } from '~/parts/action-menu'
import { Cell, type Column, Row, Table } from '~/parts/table'

import { type PoolAction, PoolActionDialog } from './pool-action-dialog'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-1/3' },
  { label: 'Storage' },
  { label: 'Where', className: 'w-2/3' },
  { label: 'Actions', silent: true },
]

interface PoolsTableProps {
  pools: readonly { id: string; name: string; storageType: string; summary: string }[]
}

export function PoolsTable({ pools }: PoolsTableProps) {
  const [opened, setOpened] = useState<{ action: PoolAction; pool: { id: string; name: string } }>()
  return (
    <>
      <Table name="Storage pools" columns={COLUMNS}>
        {pools.map((pool) => (
          <Row key={pool.id}>
            <Cell className="text-body font-medium anywhere">{pool.name}</Cell>
            <Cell place="right" className="whitespace-nowrap">
              {storageName(pool.storageType)}
            </Cell>
            <Cell place="wide" className="font-mono text-ink-2 anywhere">
              {pool.summary.replace(/^\w+: /, '')}
            </Cell>
            <Cell place="late">
              <ActionMenu
                label={`Actions for ${pool.name}`}
                actions={[
                  { label: 'Rename…', onChoose: () => setOpened({ action: 'rename', pool }) },
                  { label: 'Delete…', onChoose: () => setOpened({ action: 'delete', pool }) },
                  { label: 'Write off…', onChoose: () => setOpened({ action: 'writeOff', pool }) },
                ]}
              />
            </Cell>
          </Row>
        ))}
      </Table>
      {opened && <PoolActionDialog {...opened} onClosed={() => setOpened(undefined)} />}
    </>
  )
}
