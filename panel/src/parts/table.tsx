/**
 * A table in a card. Below the middle width each row becomes a block of two columns: `place` says
 * where a cell goes there.
 */

import type { ReactNode } from 'react'

import { Card } from './card'
import { cx } from './cx'
import { SortHead } from './sort-head'

export interface Column {
  label: string
  /** Numbers stand at the right. */
  right?: boolean
  /** The list can be ordered by it. */
  sort?: { direction: 'ascending' | 'descending' | undefined; onSort: () => void }
  /** It has no words of its own in the head. */
  silent?: boolean
  className?: string
}

export function Table({ name, columns, children }: { name: string; columns: readonly Column[]; children: ReactNode }) {
  return (
    <Card>
      {/* The roles are lost when a table is laid out as a block, so they are said. */}
      <table role="table" aria-label={name} className="block w-full border-collapse text-small md:table">
        <thead role="rowgroup" className="sr-only md:not-sr-only md:table-header-group">
          <tr role="row" className="md:table-row">
            {columns.map((column) => (
              <th
                key={column.label}
                role="columnheader"
                scope="col"
                aria-sort={column.sort?.direction}
                className={cx(
                  'h-9 px-4 text-meta font-medium text-ink-2 whitespace-nowrap',
                  column.right ? 'text-right' : 'text-left',
                  column.className,
                )}
              >
                {column.silent ? (
                  <span className="sr-only">{column.label}</span>
                ) : column.sort ? (
                  <SortHead label={column.label} right={column.right} {...column.sort} />
                ) : (
                  column.label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className="block md:table-row-group">
          {children}
        </tbody>
      </table>
    </Card>
  )
}

export function Row({ children }: { children: ReactNode }) {
  return (
    <tr
      role="row"
      className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-2 border-t border-line px-4 py-3 hover:bg-hover md:table-row md:px-0 md:py-0 first:border-t-0 md:first:border-t"
    >
      {children}
    </tr>
  )
}

interface CellProps {
  children?: ReactNode
  right?: boolean
  /** Where it goes in the block: at the left or the right, or nowhere. */
  place?: 'left' | 'right' | 'gone'
  className?: string
}

export function Cell({ children, right, place = 'left', className }: CellProps) {
  return (
    <td
      role="cell"
      className={cx(
        'min-w-0 md:table-cell md:h-14 md:px-4 md:py-2 md:align-middle',
        place === 'gone' ? 'hidden' : 'block',
        place === 'left' && 'col-start-1',
        place === 'right' && 'col-start-2 justify-self-end',
        right && 'nums md:text-right',
        className,
      )}
    >
      {children}
    </td>
  )
}

/** The two lines of a cell. */
export function Lines({ first, second, title }: { first: ReactNode; second?: ReactNode; title?: string }) {
  return (
    <div className="min-w-0">
      <div className="truncate" title={title}>
        {first}
      </div>
      {second && <div className="text-meta text-ink-3">{second}</div>}
    </div>
  )
}
