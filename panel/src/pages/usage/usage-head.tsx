/** The head of a usage page: which month, what it costs in all, by day and by kind, and the way to its lines as a file. */

import { Download } from 'lucide-react'
import type { ReactNode } from 'react'

import { formatByteHours } from '~/lib/bytes'
import { formatAmount, shareOf, units } from '~/lib/credits'
import { formatInstant } from '~/lib/instant'
import { counted } from '~/lib/pages'
import { everyDay, formatDay } from '~/lib/usage-month'
import { BarChart } from '~/parts/bar-chart'
import { Facts } from '~/parts/facts'
import { PageTitle } from '~/parts/page-title'

import { SumsTable } from './sums-table'
import type { UsagePeriod } from './use-usage-period'
import type { UsageSums } from './usage-query'

const KINDS = { SNAPSHOT: 'Snapshots', BACKUP: 'Backups', COMPUTE: 'Instances', CORRECTION: 'Corrections' } as const

interface UsageHeadProps {
  title: string
  section?: string
  about: ReactNode
  report: UsageSums
  period: UsagePeriod
}

export function UsageHead({ title, section, about, report, period }: UsageHeadProps) {
  const days = everyDay(report, report.days.nodes)
  const highest = days.reduce((most, day) => (units(day.credits) > units(most) ? day.credits : most), '0')
  const kinds = report.kinds.nodes
  return (
    <>
      <PageTitle
        title={title}
        section={section}
        below={about}
        actions={
          <a
            href={period.file}
            download
            className="inline-flex h-9 shrink-0 items-center justify-center gap-2 rounded-field border border-line bg-surface px-4 text-body font-medium whitespace-nowrap text-ink shadow-card transition-colors hover:bg-hover"
          >
            <Download size={16} aria-hidden />
            Export CSV
          </a>
        }
      />
      <Facts
        facts={[
          { label: period.isNow ? `${period.name} so far` : period.name, value: <span className="text-title font-semibold">{formatAmount(report.totalCredits)}</span> },
          { label: 'Final until', value: finalUntil(report) },
        ]}
      />
      <BarChart
        title="By day"
        heads={['Day (UTC)', 'Credits']}
        foot="Each day is rounded for itself, to the twelfth digit: their sum may differ from the month’s there."
        bars={days.map((day) => ({ key: day.from, label: formatDay(day.from), value: formatAmount(day.credits), share: shareOf(day.credits, highest) }))}
      />
      <SumsTable
        name="By kind"
        head="Kind"
        used
        empty="Nothing was used."
        rows={kinds.map((row) => ({
          key: row.kind ?? '',
          label: row.kind === null ? '' : (KINDS[row.kind as keyof typeof KINDS] ?? row.kind),
          second: counted(row.lineCount, 'line'),
          used: formatByteHours(row.byteHours),
          cost: formatAmount(row.credits),
          share: shareOf(row.credits, kinds[0]?.credits ?? '0'),
        }))}
      />
    </>
  )
}

/** Up to when what is shown can not change any more. */
function finalUntil({ from, to, closedUntil }: UsageSums): ReactNode {
  const until = Math.min(Date.parse(to), Date.parse(closedUntil))
  return until <= Date.parse(from) ? <span className="font-normal text-ink-3">Not yet</span> : formatInstant(until)
}
