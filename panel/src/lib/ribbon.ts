/** The recovery ribbon: a logarithmic scale of time from the oldest point to now. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const TICKS: readonly [string, number][] = [
  ['1 h', HOUR],
  ['1 d', DAY],
  ['1 w', 7 * DAY],
  ['1 mo', 30 * DAY],
  ['3 mo', 91 * DAY],
  ['1 y', 365 * DAY],
]

/** The scale is linear below this age, so that "now" has a place. */
const KNEE = 20 * MINUTE
/** It reaches back at least this far, and a little beyond the oldest point. */
const SHORTEST = 2 * HOUR
const MARGIN = 1.25

export interface Scale {
  /** Where an age of so many milliseconds lies: 0 is the left end, 1 is now. */
  position: (age: number) => number
  ticks: readonly { label: string; position: number }[]
}

export function ribbonScale(oldestAge: number): Scale {
  const span = Math.log1p(Math.max(oldestAge * MARGIN, SHORTEST) / KNEE)
  const position = (age: number) => 1 - Math.min(Math.log1p(Math.max(age, 0) / KNEE) / span, 1)
  const ticks = TICKS.map(([label, age]) => ({ label, position: position(age) }))
  return { position, ticks: ticks.filter((tick) => tick.position > 0) }
}
