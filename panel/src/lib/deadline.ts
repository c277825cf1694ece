/** How long operations may take, as it is typed and told: "2 h", "90 min", "1 h 30 min". */

import { UpdateVolumePlanInput } from '~/api/bounds.generated'

const { least, most } = UpdateVolumePlanInput.operationDeadlineSeconds

/** What to say of what cannot be read, or is too short or too long. */
export const DEADLINE_ERROR = `Hours and minutes, such as 2 h or 90 min: ${formatDeadline(least)} to ${formatDeadline(most)}.`

const UNITS: Record<string, number> = { s: 1, min: 60, m: 60, h: 3600, d: 86_400 }

/** Seconds; null for none, undefined for what is none. */
export function readDeadline(text: string): number | null | undefined {
  const value = text.trim().toLowerCase()
  if (value === '') return null
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(value)) return undefined
  let seconds = 0
  for (const [, number, unit] of value.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) seconds += Number(number) * (UNITS[unit ?? ''] ?? Number.NaN)
  const whole = Math.round(seconds)
  return whole >= least && whole <= most ? whole : undefined
}

/** All of it, so that it is read as it was. */
export function formatDeadline(seconds: number | null): string {
  if (seconds === null) return ''
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const
  return parts.flatMap(([count, unit]) => (count > 0 ? [`${count} ${unit}`] : [])).join(' ')
}
