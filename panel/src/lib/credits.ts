/** Credits that keeping an item costs each month. */

import { GIB } from './bytes'

/** What `bytes` cost a month at `perGib` credits, a decimal as the API writes it. */
export function monthlyCredits(bytes: number, perGib: string): number {
  return (bytes / GIB) * Number(perGib)
}

/** "0.80 cr", "0.0042 cr", "Free". */
export function formatCredits(credits: number): string {
  if (credits === 0) return 'Free'
  return `${credits.toFixed(credits < 0.01 ? 4 : 2)} cr`
}

/** What a plan charges for each GiB a month: "0.05 cr per GiB", "Free". */
export function formatCreditRate(perGib: string): string {
  return Number(perGib) === 0 ? 'Free' : `${perGib} cr per GiB`
}
