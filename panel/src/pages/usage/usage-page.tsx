/** What was used in a month: to a customer their own account's, to an administrator that of all, the dearest first. */

import { useSearch } from '@tanstack/react-router'

import { useServerTime } from '~/api/context'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { Loaded } from '~/app/loaded'
import { useIsAdmin, useViewer } from '~/app/session'
import { formatAmount, shareOf } from '~/lib/credits'
import { counted } from '~/lib/pages'
import { PageSkeleton } from '~/parts/page-skeleton'
import { TextLink } from '~/parts/text-link'

import { AccountUsage } from './account-usage'
import { MonthsTable } from './months-table'
import { SumsTable } from './sums-table'
import { EVERY, useUsagePeriod } from './use-usage-period'
import { UsageHead } from './usage-head'
import { AllUsageQuery } from './usage-query'

export default function UsagePage() {
  const { account } = useViewer()
  const search = useSearch({ from: '/usage' })
  const now = useServerTime('halfMinute')
  // Nothing of one month stays under the name of another.
  const { month } = useUsagePeriod(search, now)
  if (!useIsAdmin()) return <AccountUsage key={month} account={account.id} title="Usage" search={search} now={now} about="What your snapshots, backups and instances cost." />
  return <AllUsage key={month} search={search} now={now} />
}

function AllUsage({ search, now }: { search: { month?: string }; now: number }) {
  const period = useUsagePeriod(search, now)
  const response = useKeptQuery({ query: AllUsageQuery, variables: period.variables })
  usePoll(response, EVERY, period.isNow)
  const [result, ask] = response
  return (
    <Loaded result={result} ask={ask} pick={(data) => data} what="usage" skeleton={<PageSkeleton what="usage" />}>
      {({ usageReport: report, year }) => {
        const { nodes, rest, totalCount } = report.accounts
        return (
          <div className="flex flex-col gap-5">
            <UsageHead title="Usage" about="What all accounts used, and what it costs them." report={report} period={period} />
            <SumsTable
              name="By account"
              head="Account"
              empty="No account used anything."
              rows={nodes.map((row) => ({
                key: row.accountId ?? '',
                label: row.accountId ? (
                  <TextLink to="/usage/$accountId" params={{ accountId: row.accountId }} search={search} className="text-body font-medium text-ink!">
                    <bdi>{row.name ?? row.accountId}</bdi>
                  </TextLink>
                ) : null,
                second: counted(row.lineCount, 'line'),
                cost: formatAmount(row.credits),
                share: shareOf(row.credits, nodes[0]?.credits ?? '0'),
              }))}
              rest={rest && { label: `and ${counted(totalCount - nodes.length, 'account')} more`, cost: formatAmount(rest.credits) }}
            />
            <MonthsTable months={year.months.nodes} shown={period.month} to="/usage" />
          </div>
        )
      }}
    </Loaded>
  )
}
