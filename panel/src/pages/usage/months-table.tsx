/** The months of a year that had any usage, the newest first: each leads to its own page. */

import { formatAmount } from '~/lib/credits'
import { formatMonth } from '~/lib/usage-month'
import { Cell, type Column, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

const COLUMNS: readonly Column[] = [
  { label: 'Month', className: 'w-full' },
  { label: 'Credits', right: true },
]

interface MonthsTableProps {
  months: readonly { from: string | null; credits: string }[]
  /** The one that the page is about. */
  shown: string
  to: string
}

export function MonthsTable({ months, shown, to }: MonthsTableProps) {
  const listed = months.flatMap(({ from, credits }) => (from === null ? [] : [{ month: from.slice(0, 7), credits }])).toReversed()
  if (listed.length === 0) return null
  return (
    <section aria-label="Months" className="flex flex-col gap-3">
      <h2 className="text-body font-semibold">Months</h2>
      <Table name="Months" columns={COLUMNS}>
        {listed.map(({ month, credits }) => (
          <Row key={month}>
            <Cell>
              <TextLink to={to} search={{ month }} aria-current={month === shown ? 'page' : undefined}>
                {formatMonth(month)}
              </TextLink>
            </Cell>
            <Cell right place="late" className="whitespace-nowrap">
              {formatAmount(credits)}
            </Cell>
          </Row>
        ))}
      </Table>
    </section>
  )
}
