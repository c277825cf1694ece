/** Spans of time that lists are narrowed to, as they stand in a URL. */

const HOUR = 3_600_000
const DAY = 24 * HOUR

const SPANS = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY } as const

export type Period = keyof typeof SPANS

export const PERIODS: readonly { value: Period; label: string }[] = [
  { value: 'hour', label: 'The last hour' },
  { value: 'day', label: 'The last 24 hours' },
  { value: 'week', label: 'The last 7 days' },
  { value: 'month', label: 'The last 30 days' },
]

export function readPeriod(value: unknown): Period | undefined {
  return PERIODS.find((one) => one.value === value)?.value
}

/** When a period begins. To the minute, so that what is asked stays the same for a while. */
export function beginOf(period: Period | undefined, now: number): string | undefined {
  if (period === undefined) return undefined
  return new Date(Math.floor((now - SPANS[period]) / 60_000) * 60_000).toISOString()
}

export const BACKUP_AGES = [
  { value: 'none', label: 'None' },
  { value: '1', label: 'None for a day' },
  { value: '7', label: 'None for 7 days' },
  { value: '30', label: 'None for 30 days' },
] as const

export type BackupAge = (typeof BACKUP_AGES)[number]['value']

export function readBackupAge(value: unknown): BackupAge | undefined {
  return BACKUP_AGES.find((one) => one.value === String(value))?.value
}

/** The filter of volumes: those that have none at all and could have one, or none since then. To the hour. */
export function withoutBackup(age: BackupAge | undefined, now: number): { unprotected?: true; noBackupSince?: string } {
  if (age === undefined) return {}
  if (age === 'none') return { unprotected: true }
  return { noBackupSince: new Date(Math.floor((now - Number(age) * DAY) / HOUR) * HOUR).toISOString() }
}
