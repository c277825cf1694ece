import { expect, test } from 'vitest'

import { GIB } from './bytes'
import { formatCreditRate, formatCredits, monthlyCredits } from './credits'

test('a month costs its size times the price', () => {
  expect(formatCredits(monthlyCredits(40 * GIB, '0.02'))).toBe('0.80 cr')
})

test('very little is told with four decimals', () => {
  expect(formatCredits(0.0042)).toBe('0.0042 cr')
})

test('nothing is free', () => {
  expect(formatCredits(monthlyCredits(40 * GIB, '0'))).toBe('Free')
})

test('a price is told as it was set', () => {
  expect(formatCreditRate('0.05')).toBe('0.05 cr per GiB')
  expect(formatCreditRate('0.00')).toBe('Free')
})
