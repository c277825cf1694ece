/** How an operation's age is judged: after 30 minutes it is late, near its deadline it is about to be stopped. */

const MINUTE = 60_000

const LATE = 30 * MINUTE
const NEAR_THE_END = 20 * MINUTE

export type Lateness = 'fine' | 'late' | 'overdue'

/** `allowed` is how old it may become. */
export function latenessOf(age: number, allowed: number): Lateness {
  // Of one that may take minutes only, the last sixth.
  if (age >= allowed - Math.min(NEAR_THE_END, allowed / 6)) return 'overdue'
  return age > LATE ? 'late' : 'fine'
}
