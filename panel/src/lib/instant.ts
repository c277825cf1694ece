/** Instants for people: how long ago, and the absolute time in the viewer's zone. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "just now", "2 hours ago", "yesterday", "2 months ago". */
export function formatAgo(at: number, now: number): string {
  const age = now - at
  if (age < 45_000) return 'just now'
  if (age < HOUR) return count(Math.max(1, Math.round(age / MINUTE)), 'minute')
  if (age < DAY) return count(Math.floor(age / HOUR), 'hour')
  const days = Math.floor(age / DAY)
  if (days === 1) return 'yesterday'
  if (days < 45) return count(days, 'day')
  if (days < 365) return count(Math.round(days / 30.44), 'month')
  return count(Math.floor(days / 365), 'year')
}

/** "15 Nov 2026, 16:08 UTC". */
export function formatInstant(at: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  }).format(at)
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'} ago`
}
