import { expect, test } from 'vitest'

import { GIB } from './bytes'
import { priceEffects } from './price-effects'

const MONTH = String(BigInt(GIB) * 730n)
const SUMS = [
  { kind: 'SNAPSHOT', byteHours: MONTH, credits: '1' },
  { kind: 'BACKUP', byteHours: String(BigInt(MONTH) * 10n), credits: '0.5' },
]
const BEFORE = { snapshotCreditValue: '1', backupCreditValue: '0.05' }

test('a price that changes is told with what it would have cost', () => {
  expect(priceEffects(SUMS, BEFORE, { snapshotCreditValue: '2', backupCreditValue: '0.050' })).toEqual(['Snapshots: 2.00 cr instead of 1.00 cr.'])
})

test('two that change are summed', () => {
  expect(priceEffects(SUMS, BEFORE, { snapshotCreditValue: '0', backupCreditValue: '0.1' })).toEqual([
    'Snapshots: 0.00 cr instead of 1.00 cr.',
    'Backups: 1.00 cr instead of 0.50 cr.',
    'Together: 1.00 cr instead of 1.50 cr.',
  ])
})

test('where nothing was used, nothing changes', () => {
  expect(priceEffects([], BEFORE, { snapshotCreditValue: '2', backupCreditValue: '0.05' })).toEqual(['Snapshots: 0.00 cr instead of 0.00 cr.'])
})
