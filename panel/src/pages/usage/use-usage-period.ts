/** The month that a usage page shows, and what is asked for it. */

import { exportPath, formatMonth, monthOf, periodOf, readMonth, type UsageSearch, yearUntil } from '~/lib/usage-month'

/** How often a month that has not ended is asked again. */
export const EVERY = 60_000

export interface UsagePeriod {
  month: string
  name: string
  /** It has not ended. */
  isNow: boolean
  /** Where its lines are had as a file. */
  file: string
  variables: { from: string; to: string; yearFrom: string; yearTo: string }
}

export function useUsagePeriod(search: UsageSearch, now: number, account?: string): UsagePeriod {
  const month = readMonth(search.month, now) ?? monthOf(now)
  const period = periodOf(month, now)
  const year = yearUntil(now)
  return {
    month,
    name: formatMonth(month),
    isNow: month === monthOf(now),
    file: exportPath(period, account),
    variables: { ...period, yearFrom: year.from, yearTo: year.to },
  }
}
