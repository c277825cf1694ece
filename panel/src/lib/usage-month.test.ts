import { expect, test } from 'vitest'

import { everyDay, exportPath, formatDay, formatMonth, monthOf, periodOf, readMonth, yearUntil } from './usage-month'

const NOW = Date.parse('2026-12-01T02:31:08Z')

test('the month that has begun goes to the end of its hour', () => {
  expect(monthOf(NOW)).toBe('2026-12')
  expect(periodOf('2026-12', NOW)).toEqual({ from: '2026-12-01T00:00:00.000Z', to: '2026-12-01T03:00:00.000Z' })
})

test('a month that has ended is whole, also at the end of a year', () => {
  expect(periodOf('2025-12', NOW)).toEqual({ from: '2025-12-01T00:00:00.000Z', to: '2026-01-01T00:00:00.000Z' })
  expect(yearUntil(NOW)).toEqual({ from: '2026-01-01T00:00:00.000Z', to: '2026-12-01T03:00:00.000Z' })
})

test('only a month that has begun is read', () => {
  expect(readMonth('2026-11', NOW)).toBe('2026-11')
  for (const bad of ['2027-01', '2026-13', '1969-12', 'now', 11, undefined]) expect(readMonth(bad, NOW)).toBeUndefined()
})

test('months and days are told as they are called', () => {
  expect(formatMonth('2026-11')).toBe('November 2026')
  expect(formatDay('2026-11-05T00:00:00Z')).toBe('5 Nov')
})

test('a day of which nothing is told cost nothing', () => {
  const period = { from: '2026-12-01T00:00:00.000Z', to: '2026-12-03T03:00:00.000Z' }
  expect(everyDay(period, [{ from: '2026-12-02T00:00:00Z', credits: '1.5' }]).map((day) => day.credits)).toEqual(['0', '1.5', '0'])
})

test('the file is that of the period and the account', () => {
  const period = periodOf('2026-11', NOW)
  expect(exportPath(period, undefined)).toBe('/usage.csv?from=2026-11-01T00%3A00%3A00.000Z&to=2026-12-01T00%3A00%3A00.000Z')
  expect(exportPath(period, 'one')).toContain('&accountId=one')
})
