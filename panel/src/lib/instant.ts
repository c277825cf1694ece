/** Instants for people: how long ago, and the absolute time in the viewer's zone. */

import { counted } from './pages'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "just now", "2 hours ago", "yesterday", "2 months ago"; of what is to come, "in 90 days". */
export function formatAgo(at: number, now: number): string {
  const age = now - at
  if (Math.abs(age) < 45_000) return 'just now'
  if (age < 0) return `in ${span(-age)}`
  return Math.floor(age / DAY) === 1 ? 'yesterday' : `${span(age)} ago`
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

/** "16:08:04", in the viewer's zone: for lines that are seconds apart. */
export function formatTime(at: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone }).format(at)
}

function span(ms: number): string {
  if (ms < HOUR) return counted(Math.max(1, Math.round(ms / MINUTE)), 'minute')
  if (ms < DAY) return counted(Math.floor(ms / HOUR), 'hour')
  const days = Math.round(ms / DAY)
  if (days < 45) return counted(days, 'day')
  if (days < 365) return counted(Math.round(days / 30.44), 'month')
  return counted(Math.floor(days / 365), 'year')
}
