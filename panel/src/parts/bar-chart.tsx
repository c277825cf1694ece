/** Columns in one colour, the highest with its number, and the same numbers in a table beside it: the drawing says nothing more. */

import { Card } from './card'

export interface Bar {
  key: string
  /** What it is of: "5 Nov". */
  label: string
  /** Its number in words: "3.20 cr". */
  value: string
  /** How high it is beside the highest, from 0 to 1. */
  share: number
}

interface BarChartProps {
  title: string
  /** What the table's columns are called. */
  heads: readonly [label: string, value: string]
  bars: readonly Bar[]
  foot?: string
}

const STEP = 10
const GAP = 2
const HEIGHT = 100

export function BarChart({ title, heads, bars, foot }: BarChartProps) {
  return (
    <Card foot={foot}>
      <section aria-label={title} className="@container flex flex-col gap-4 p-5">
        <h2 className="text-body font-semibold">{title}</h2>
        <div className="grid gap-6 @table:grid-cols-[minmax(0,1fr)_15rem]">
          <Columns bars={bars} />
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached */}
          <div role="region" aria-label={`${title}: numbers`} tabIndex={0} className="max-h-48 overflow-y-auto rounded-chip">
            <table className="w-full text-small nums">
              <thead className="sticky top-0 bg-surface text-meta text-ink-2">
                <tr>
                  <th scope="col" className="py-1 pr-3 text-left font-medium">
                    {heads[0]}
                  </th>
                  <th scope="col" className="py-1 pr-3 text-right font-medium">
                    {heads[1]}
                  </th>
                </tr>
              </thead>
              <tbody>
                {bars.map((bar) => (
                  <tr key={bar.key} className="border-t border-line">
                    <th scope="row" className="py-1 pr-3 text-left font-normal">
                      {bar.label}
                    </th>
                    <td className="py-1 pr-3 text-right whitespace-nowrap">{bar.value}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      </section>
    </Card>
  )
}

function Columns({ bars }: { bars: readonly Bar[] }) {
  const highest = bars.reduce((found, bar, at) => (bar.share > (bars[found]?.share ?? 0) ? at : found), 0)
  const most = bars[highest]
  const middle = (highest + 0.5) / Math.max(1, bars.length)
  const width = bars.length * STEP
  return (
    <div aria-hidden="true" className="flex min-w-0 flex-col gap-1 text-meta text-ink-3 nums">
      <div className="relative h-4">
        {most && most.share > 0 && (
          // At either end it stays within the drawing.
          <span className="absolute whitespace-nowrap text-ink-2" style={{ left: `${middle * 100}%`, transform: `translateX(-${middle * 100}%)` }}>
            {most.value}
          </span>
        )}
      </div>
      <svg viewBox={`0 0 ${Math.max(STEP, width)} ${HEIGHT}`} preserveAspectRatio="none" className="h-36 w-full border-b border-line-strong">
        {bars.map((bar, at) => (
          <rect key={bar.key} x={at * STEP + GAP / 2} y={HEIGHT * (1 - bar.share)} width={STEP - GAP} height={HEIGHT * bar.share} className="fill-bar" />
        ))}
      </svg>
      <div className="flex justify-between gap-4">
        <span>{bars[0]?.label}</span>
        {bars.length > 1 && <span>{bars.at(-1)?.label}</span>}
      </div>
    </div>
  )
}

/** How large a number of a row is beside the largest of its table. */
export function ShareBar({ share }: { share: number }) {
  return (
    <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" className="mt-1 h-1 w-full">
      <rect width="100" height="4" className="fill-track" />
      <rect width={Math.max(share > 0 ? 1 : 0, 100 * share)} height="4" className="fill-bar" />
    </svg>
  )
}
