/** What one account used in a month: by day, by kind and by volume, and the months before. */

import type { ReactNode } from 'react'

import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { Loaded } from '~/app/loaded'
import { formatByteHours } from '~/lib/bytes'
import { formatAmount, shareOf } from '~/lib/credits'
import { counted } from '~/lib/pages'
import type { UsageSearch } from '~/lib/usage-month'
import { PageSkeleton } from '~/parts/page-skeleton'

import { MonthsTable } from './months-table'
import { SumsTable } from './sums-table'
import { EVERY, useUsagePeriod } from './use-usage-period'
import { UsageHead } from './usage-head'
import { AccountUsageQuery } from './usage-query'

interface AccountUsageProps {
  account: string
  title: string
  section?: string
  about: ReactNode
  search: UsageSearch
  now: number
}

export function AccountUsage({ account, title, section, about, search, now }: AccountUsageProps) {
  const period = useUsagePeriod(search, now, account)
  const response = useKeptQuery({ query: AccountUsageQuery, variables: { account, ...period.variables } })
  usePoll(response, EVERY, period.isNow)
  const [result, ask] = response
  return (
    <Loaded result={result} ask={ask} pick={(data) => data} what="usage" skeleton={<PageSkeleton what="usage" />}>
      {({ usageReport: report, year }) => {
        const { nodes, rest, totalCount } = report.volumes
        return (
          <div className="flex flex-col gap-5">
            <UsageHead title={title} section={section} about={about} report={report} period={period} />
            <SumsTable
              name="By volume"
              head="Volume"
              used
              empty="Nothing was used."
              rows={nodes.map((row) => ({
                key: row.volumeId ?? 'none',
                label: row.volumeId === null ? 'No volume' : <bdi title={row.volumeId}>{row.name ?? 'A volume that is gone'}</bdi>,
                second: row.volumeId === null ? 'Instances' : counted(row.lineCount, 'line'),
                used: formatByteHours(row.byteHours),
                cost: formatAmount(row.credits),
                share: shareOf(row.credits, nodes[0]?.credits ?? '0'),
              }))}
              rest={rest && { label: `and ${counted(totalCount - nodes.length, 'volume')} more`, cost: formatAmount(rest.credits) }}
            />
            <MonthsTable months={year.months.nodes} shown={period.month} to={section === undefined ? '/usage' : `/usage/${account}`} />
          </div>
        )
      }}
    </Loaded>
  )
}
