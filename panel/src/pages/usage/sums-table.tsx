/** Sums of lines, the dearest first, each with a bar of its share. */

import type { ReactNode } from 'react'

import { ShareBar } from '~/parts/bar-chart'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'

export interface SumRow {
  key: string
  label: ReactNode
  second?: string
  /** The byte-hours. */
  used?: string
  cost: string
  share: number
}

interface SumsTableProps {
  name: string
  /** What the first column is called. */
  head: string
  /** Whether it has a column of byte-hours. */
  used?: boolean
  rows: readonly SumRow[]
  /** What is not listed. */
  rest?: { label: string; cost: string } | null
  empty: string
}

export function SumsTable({ name, head, used, rows, rest, empty }: SumsTableProps) {
  const columns: readonly Column[] = [
    { label: head, className: 'w-full' },
    ...(used ? [{ label: 'GiB-hours', right: true, spare: true }] : []),
    { label: 'Credits', right: true },
  ]
  return (
    <section aria-label={name} className="flex flex-col gap-3">
      <h2 className="text-body font-semibold">{name}</h2>
      {rows.length === 0 ? (
        <p className="text-small text-ink-3">{empty}</p>
      ) : (
        <Table name={name} columns={columns}>
          {rows.map((row) => (
            <Row key={row.key}>
              <Cell className="@table:max-w-0 truncate">
                <Lines first={row.label} second={row.second} />
              </Cell>
              {used && (
                <Cell right place="gone" className="whitespace-nowrap text-ink-2">
                  {row.used}
                </Cell>
              )}
              <Cell right place="late" className="min-w-28 whitespace-nowrap">
                {row.cost}
                <ShareBar share={row.share} />
              </Cell>
            </Row>
          ))}
          {rest && (
            <Row>
              <Cell className="text-ink-2">{rest.label}</Cell>
              {used && <Cell place="blank" className="@table:hidden @roomy:table-cell" />}
              <Cell right place="late" className="whitespace-nowrap text-ink-2">
                {rest.cost}
              </Cell>
            </Row>
          )}
        </Table>
      )}
    </section>
  )
}
