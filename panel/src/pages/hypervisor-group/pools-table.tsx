/** The storage pools of a hypervisor group, and what can be done with each. */

import { useState } from 'react'

import { storageName } from '~/lib/storage'
import type { PlaceFacts } from '~/pages/place/place-query'
import { PlaceState } from '~/pages/place/place-state'
import { ActionMenu } from '~/parts/action-menu'
import { Cell, type Column, Row, Table } from '~/parts/table'

import { type PoolAction, PoolActionDialog } from './pool-action-dialog'

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-1/3' },
  { label: 'Storage' },
  { label: 'Where', className: 'w-2/3' },
  { label: 'Identity' },
  { label: 'Actions', silent: true },
]

interface Pool {
  id: string
  name: string
  storageType: string
  summary: string
  hypervisor: { id: string; name: string } | null
  marks: readonly PlaceFacts[]
}

interface PoolsTableProps {
  pools: readonly Pool[]
  /** The hypervisors of their group. */
  hosts: readonly { id: string; name: string }[]
}

export function PoolsTable({ pools, hosts }: PoolsTableProps) {
  const [opened, setOpened] = useState<{ action: PoolAction; pool: Pool }>()
  return (
    <>
      <Table name="Storage pools" columns={COLUMNS}>
        {pools.map((pool) => (
          <Row key={pool.id}>
            <Cell className="text-body font-medium anywhere"><bdi>{pool.name}</bdi></Cell>
            <Cell place="right" className="whitespace-nowrap">
              {storageName(pool.storageType)}
            </Cell>
            <Cell place="wide" className="anywhere">
              <span className="block font-mono text-ink-2">{pool.summary.replace(/^\w+: /, '')}</span>
              <span className="block text-meta text-ink-3">
                {pool.hypervisor ? <>Only on <bdi className="font-mono">{pool.hypervisor.name}</bdi></> : 'On every hypervisor of the group'}
              </span>
            </Cell>
            <Cell place="wide">
              {pool.marks.map((mark) => (
                <div key={mark.hypervisor?.id ?? ''} className="flex flex-col gap-1">
                  <PlaceState state={mark.state} />
                  {mark.problem && <span className="text-bad anywhere">{mark.problem}</span>}
                </div>
              ))}
            </Cell>
            <Cell place="late">
              <ActionMenu
                label={`Actions for ${pool.name}`}
                actions={[
                  { label: 'Change…', onChoose: () => setOpened({ action: 'change', pool }) },
                  ...(pool.marks.length > 0 ? [{ label: 'Accept this place…', onChoose: () => setOpened({ action: 'accept' as const, pool }) }] : []),
                  { label: 'Delete…', onChoose: () => setOpened({ action: 'delete', pool }) },
                  { label: 'Write off…', onChoose: () => setOpened({ action: 'writeOff', pool }) },
                ]}
              />
            </Cell>
          </Row>
        ))}
      </Table>
      {opened && <PoolActionDialog {...opened} hosts={hosts} onClosed={() => setOpened(undefined)} />}
    </>
  )
}
