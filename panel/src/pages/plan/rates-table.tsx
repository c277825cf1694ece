/** What a plan asked for from when on, the newest first. */

import { useServerTime } from '~/api/context'
import { formatCreditRate } from '~/lib/credits'
import { formatInstant } from '~/lib/instant'
import { Cell, type Column, Lines, Row, Table } from '~/parts/table'

const COLUMNS: readonly Column[] = [
  { label: 'Valid from', className: 'w-full' },
  { label: 'For' },
  { label: 'Price', right: true },
]

interface RatesTableProps {
  rates: readonly { kind: string; credits: string; from: string }[]
}

export function RatesTable({ rates }: RatesTableProps) {
  const now = useServerTime('halfMinute')
  return (
    <section aria-label="Prices" className="flex flex-col gap-3">
      <div>
        <h2 className="text-body font-semibold">Prices</h2>
        <p className="mt-0.5 text-small text-ink-2">A change is valid from the next hour on. What is past keeps the price that it had.</p>
      </div>
      <Table name="Prices" columns={COLUMNS}>
        {rates.map(({ kind, credits, from }, at) => (
          <Row key={`${kind} ${from}`}>
            <Cell className="nums">
              <Lines first={Date.parse(from) === 0 ? 'The beginning' : formatInstant(Date.parse(from))} second={state(rates, at, now)} />
            </Cell>
            <Cell className="whitespace-nowrap text-ink-2">{kind === 'SNAPSHOT' ? 'Snapshots' : 'Backups'}</Cell>
            <Cell right place="late" className="whitespace-nowrap">
              {formatCreditRate(credits)}
            </Cell>
          </Row>
        ))}
      </Table>
    </section>
  )
}

/** Of each kind the newest one that has begun is valid. */
function state(rates: RatesTableProps['rates'], at: number, now: number): string {
  const begun = (from: string) => Date.parse(from) <= now
  const { kind, from } = rates[at] ?? { kind: '', from: '' }
  if (!begun(from)) return 'To come'
  return rates.findIndex((rate) => rate.kind === kind && begun(rate.from)) === at ? 'Now' : 'Past'
}
