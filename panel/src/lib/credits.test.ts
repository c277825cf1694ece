import { expect, test } from 'vitest'

import { GIB } from './bytes'
import { asDecimal, creditsOf, formatAmount, formatCreditRate, formatCredits, isSame, monthlyCredits, priceProblem, shareOf, units } from './credits'

test('a month costs its size times the price', () => {
  expect(formatCredits(monthlyCredits(40 * GIB, '0.02'))).toBe('0.80 cr')
})

test('very little is told with four decimals', () => {
  expect(formatCredits('0.0042')).toBe('0.0042 cr')
  expect(formatCredits('0.000000000001')).toBe('< 0.0001 cr')
})

test('nothing is free, a sum of nothing is nothing', () => {
  expect(formatCredits(monthlyCredits(40 * GIB, '0'))).toBe('Free')
  expect(formatAmount('0')).toBe('0.00 cr')
  expect(formatAmount('-1.5')).toBe('−1.50 cr')
})

test('a price is told as it was set', () => {
  expect(formatCreditRate('0.05')).toBe('0.05 cr per GiB')
  expect(formatCreditRate('0.00')).toBe('Free')
})

test('decimals of any size are read and written exactly', () => {
  for (const text of ['0', '0.000000000001', '999999999999.999999999999', '-12.5', '1967695956164383561.643833648742']) expect(asDecimal(units(text))).toBe(text)
  expect(isSame('1.50', '1.5')).toBe(true)
  expect(isSame('0.000000000001', '0')).toBe(false)
})

test('byte-hours cost what the gateway says, to the last digit', () => {
  const tenYears = String(BigInt(16 * 1024 * GIB) * 87_672n)
  expect(creditsOf(tenYears, '999999999999.999999999999')).toBe('1967695956164383561.643833648742')
  expect(creditsOf(tenYears, '0.000000000001')).toBe('0.000001967696')
})

test('what lies in the middle is rounded to the even one', () => {
  const halfOfTheLastDigit = String((GIB * 730) / 2)
  expect(creditsOf(halfOfTheLastDigit, '0.000000000001')).toBe('0')
  expect(creditsOf(halfOfTheLastDigit, '0.000000000003')).toBe('0.000000000002')
})

test('a price that is negative or too fine is refused with its reason', () => {
  for (const good of ['0', '0.05', '0,05', ' .5 ', '5.', '0.000000000001', '999999999999.999999999999', '0.1000000000000']) expect(priceProblem(good)).toBeUndefined()
  for (const bad of ['', '.', 'free', '1e3']) expect(priceProblem(bad)).toBe('A number such as 0.05. 0 is free.')
  expect(priceProblem('-1')).toBe('A price is never below 0.')
  for (const bad of ['0.0000000000001', '1000000000000']) expect(priceProblem(bad)).toBe('At most 12 digits on each side of the point.')
})

test('a share is that of the largest', () => {
  expect(shareOf('1.25', '5')).toBe(0.25)
  expect(shareOf('0', '0')).toBe(0)
})
