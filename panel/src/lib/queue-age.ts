/** How an operation's age is judged: after 30 minutes it is late, near two hours it is about to be stopped. */

const MINUTE = 60_000

const LATE = 30 * MINUTE
/** The gateway fails what has not ended by then, unless its operator has set it otherwise. */
export const DEADLINE = 120 * MINUTE
const NEAR_THE_END = DEADLINE - 20 * MINUTE

export type Lateness = 'fine' | 'late' | 'overdue'

export function latenessOf(age: number): Lateness {
  if (age >= NEAR_THE_END) return 'overdue'
  return age > LATE ? 'late' : 'fine'
}
