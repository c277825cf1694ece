/** The storage pools of a hypervisor group. */

import { storageName } from '~/lib/storage'
import { Cell, type Column, Row, Table } from '~/parts/table'

const COLUMNS: readonly Column[] = [{ label: 'Name', className: 'w-1/3' }, { label: 'Storage' }, { label: 'Where', className: 'w-2/3' }]

interface PoolsTableProps {
  pools: readonly { id: string; name: string; storageType: string; summary: string }[]
}

export function PoolsTable({ pools }: PoolsTableProps) {
  return (
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
        </Row>
      ))}
    </Table>
  )
}
