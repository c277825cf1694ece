/** Months of UTC: which one a usage page shows, and the period that it asks for. */

const HOUR = 3_600_000
const DAY = 24 * HOUR

export interface UsageSearch {
  /** "2026-11"; the one that has begun where it is left out. */
  month?: string
}

/** What of a usage page stands in its URL. Whether the month has begun is seen when the time is known. */
export function readUsageSearch({ month }: Record<string, unknown>): UsageSearch {
  return typeof month === 'string' ? { month } : {}
}

/** How many months before this one are listed. */
const LISTED = 11

/** "2026-11": the month of an instant. */
export function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 7)
}

/** A month that stands in a URL, if it is one that has begun. */
export function readMonth(value: unknown, now: number): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-(0[1-9]|1[0-2])$/.test(value)) return undefined
  return value >= '1970-01' && value <= monthOf(now) ? value : undefined
}

/** From the first hour of a month to its last, or to the end of the one that has begun. */
export function periodOf(month: string, now: number): { from: string; to: string } {
  const running = (Math.floor(now / HOUR) + 1) * HOUR
  return { from: instant(month, 0), to: new Date(Math.min(Date.parse(instant(month, 1)), running)).toISOString() }
}

/** A year of months, with the one that has begun. */
export function yearUntil(now: number): { from: string; to: string } {
  const month = monthOf(now)
  return { from: instant(month, -LISTED), to: periodOf(month, now).to }
}

/** "November 2026". */
export function formatMonth(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(Date.parse(instant(month, 0)))
}

/** "15 Nov": a day of UTC. */
export function formatDay(at: string): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(Date.parse(at))
}

/** Every day of a period with what it cost: those of which nothing is told cost nothing. */
export function everyDay({ from, to }: { from: string; to: string }, told: readonly { from: string | null; credits: string }[]): { from: string; credits: string }[] {
  const credits = new Map(told.map((day) => [day.from?.slice(0, 10), day.credits]))
  const days = []
  for (let at = Date.parse(from); at < Date.parse(to); at += DAY) {
    const day = new Date(at).toISOString()
    days.push({ from: day, credits: credits.get(day.slice(0, 10)) ?? '0' })
  }
  return days
}

/** Where the period's lines are had as a file. */
export function exportPath({ from, to }: { from: string; to: string }, account: string | undefined): string {
  return `/usage.csv?${new URLSearchParams({ from, to, ...(account && { accountId: account }) }).toString()}`
}

function instant(month: string, ahead: number): string {
  const [year = '0', number = '1'] = month.split('-')
  return new Date(Date.UTC(Number(year), Number(number) - 1 + ahead, 1)).toISOString()
}
