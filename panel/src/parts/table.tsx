/**
 * A table in a card. On a phone each row becomes a block of a few lines: `place` says where a cell goes there. Between
 * that and a wide window some columns are left out, which are the `spare` ones.
 */

import { type ReactNode, useEffect } from 'react'

import { Card } from './card'
import { cx } from './cx'
import { useHandOnFocus } from './page-heading'
import { SortHead } from './sort-head'

export interface Column {
  label: string
  /** Numbers stand at the right. */
  right?: boolean
  /** The list can be ordered by it. */
  sort?: { direction: 'ascending' | 'descending' | undefined; onSort: () => void }
  /** Left out where the card is of middling width. Its cells are `gone` from a narrow one. */
  spare?: boolean
  /** Only where the card is wide. Its cells say so, too. */
  extra?: boolean
  /** It has no words of its own in the head. */
  silent?: boolean
  className?: string
}

export function Table({ name, columns, children }: { name: string; columns: readonly Column[]; children: ReactNode }) {
  return (
    <Card className="@container">
      <SortBar columns={columns} />
      {/* The roles are lost when a table is laid out as a block, so they are said. */}
      <table role="table" aria-label={name} className="block w-full border-collapse text-small @table:table">
        <thead role="rowgroup" className="sr-only @table:not-sr-only @table:table-header-group">
          <tr role="row" className="@table:table-row">
            {columns.map((column) => (
              <th
                key={column.label}
                role="columnheader"
                scope="col"
                aria-sort={column.sort?.direction}
                className={cx(
                  'h-9 px-3 text-meta first:pl-4 last:pr-4 font-medium text-ink-2 whitespace-nowrap',
                  column.right ? 'text-right' : 'text-left',
                  column.extra && 'hidden @wide:table-cell',
                  column.spare && 'hidden @roomy:table-cell',
                  column.className,
                )}
              >
                {column.silent ? (
                  <span className="sr-only">{column.label}</span>
                ) : column.sort ? (
                  <>
                    <span className="hidden @table:inline">
                      <SortHead label={column.label} right={column.right} {...column.sort} />
                    </span>
                    <span className="@table:hidden">{column.label}</span>
                  </>
                ) : (
                  column.label
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" className="block @table:table-row-group">
          {children}
        </tbody>
      </table>
    </Card>
  )
}

/** On a phone there is no head to click: what the list can be ordered by stands above it. */
function SortBar({ columns }: { columns: readonly Column[] }) {
  const sorts = columns.flatMap(({ label, sort }) => (sort ? [{ label, ...sort }] : []))
  if (sorts.length === 0) return null
  return (
    <div role="group" aria-label="Order" className="flex flex-wrap items-center gap-x-4 border-b border-line px-4 py-1 text-meta text-ink-2 @table:hidden">
      <span className="text-ink-3">Order by</span>
      {sorts.map((sort) => (
        <SortHead key={sort.label} pressed {...sort} />
      ))}
    </div>
  )
}

interface RowProps {
  children: ReactNode
  /** By it, a link leads to the row. */
  id?: string
}

export function Row({ id, children }: RowProps) {
  const row = useHandOnFocus<HTMLTableRowElement>()
  const isMeant = id !== undefined && id === location.hash.slice(1)
  useEffect(() => {
    if (isMeant) row.current?.scrollIntoView({ block: 'center' })
  }, [isMeant, row])
  return (
    <tr
      ref={row}
      id={id}
      role="row"
      className={cx(
        isMeant && 'bg-accent-soft/60',
        'flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line px-4 py-3 hover:bg-hover @table:table-row @table:px-0 @table:py-0 first:border-t-0 @table:first:border-t',
      )}
    >
      {children}
    </tr>
  )
}

/** At the left, at the right, at the right of the last line, on a line of its own; nowhere, and not in a table of middling width either; nowhere, as it is empty. */
type Place = 'left' | 'right' | 'late' | 'wide' | 'gone' | 'blank'

const PLACES: Record<Place, string> = {
  left: 'block flex-1 basis-[45%]',
  right: 'ml-auto block',
  late: 'order-1 ml-auto block',
  wide: 'block basis-full',
  gone: 'hidden',
  blank: 'hidden',
}

interface CellProps {
  children?: ReactNode
  right?: boolean
  /** Where it goes in a narrow card. */
  place?: Place
  extra?: boolean
  className?: string
}

export function Cell({ children, right, place = 'left', extra, className }: CellProps) {
  return (
    <td
      role="cell"
      className={cx(
        'min-w-0 @table:h-14 @table:px-3 @table:py-2 @table:first:pl-4 @table:last:pr-4 @table:align-middle',
        PLACES[extra ? 'gone' : place],
        extra ? '@wide:table-cell' : place === 'gone' ? '@roomy:table-cell' : '@table:table-cell',
        right && 'nums @table:text-right',
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
