/** Spans of time for people. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "9 s", "3 min 12 s", "1 h 4 min", "2 d 3 h": the two largest units, rounded down. */
export function formatDuration(ms: number): string {
  const span = Math.max(0, ms)
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`
  if (span < HOUR) return pair(span, MINUTE, 'min', SECOND, 's')
  if (span < DAY) return pair(span, HOUR, 'h', MINUTE, 'min')
  return pair(span, DAY, 'd', HOUR, 'h')
}

/** How long something took: the same, and "under 1 s" for what took less. */
export function formatTook(ms: number): string {
  return ms < SECOND ? 'under 1 s' : formatDuration(ms)
}

/** "4:32", rounded up: it says 0:00 only when the time is over. */
export function formatCountdown(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / SECOND)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** "About 45 s left": coarser the longer it is, so that it does not flicker. */
export function formatTimeLeft(ms: number): string {
  const seconds = ms / SECOND
  if (seconds < 10) return 'A few seconds left'
  const inFives = Math.ceil(seconds / 5) * 5
  if (inFives <= 90) return `About ${inFives} s left`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `About ${minutes} min left`
  return `About ${(seconds / 3600).toFixed(1).replace(/\.0$/, '')} h left`
}

function pair(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small)
  const first = `${Math.floor(span / large)} ${largeName}`
  return rest === 0 ? first : `${first} ${rest} ${smallName}`
}
