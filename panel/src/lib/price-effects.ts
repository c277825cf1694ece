/** What other prices of a plan would have meant, from what was used: exact sums, one rounding each. */

import { asDecimal, creditsOf, formatAmount, isSame, units } from './credits'

export interface PlanSum {
  kind: string
  byteHours: string
  credits: string
}

interface Prices {
  snapshotCreditValue: string
  backupCreditValue: string
}

/** "Snapshots: 2.40 cr instead of 1.20 cr." of each price that changes, and their sum where both do. */
export function priceEffects(sums: readonly PlanSum[], before: Prices, after: Prices): string[] {
  const of = (kind: string, name: string, from: string, to: string) => {
    if (isSame(from, to)) return []
    const used = sums.find((sum) => sum.kind === kind)
    return [{ name, was: used?.credits ?? '0', would: creditsOf(used?.byteHours ?? '0', to) }]
  }
  const changes = [
    ...of('SNAPSHOT', 'Snapshots', before.snapshotCreditValue, after.snapshotCreditValue),
    ...of('BACKUP', 'Backups', before.backupCreditValue, after.backupCreditValue),
  ]
  const sum = (which: 'was' | 'would') => asDecimal(changes.reduce((total, change) => total + units(change[which]), 0n))
  const all = changes.length > 1 ? [...changes, { name: 'Together', was: sum('was'), would: sum('would') }] : changes
  return all.map(({ name, was, would }) => `${name}: ${formatAmount(would)} instead of ${formatAmount(was)}.`)
}
