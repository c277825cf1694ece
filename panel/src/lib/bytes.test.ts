import { expect, test } from 'vitest'

import { formatByteHours, formatBytes, formatRate, GIB } from './bytes'

const MIB = 2 ** 20

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.98 KiB'],
  [840 * MIB, '840 MiB'],
  [3.42 * GIB, '3.42 GiB'],
  [7.9 * GIB, '7.90 GiB'],
  [12.4 * GIB, '12.4 GiB'],
  [40 * GIB, '40 GiB'],
  [999.7 * MIB, '0.98 GiB'],
  [1023 * MIB, '1.00 GiB'],
  [2 ** 40, '1 TiB'],
  [2 ** 53 - 1, '8.00 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('an unknown size is a dash', () => {
  expect(formatBytes(null)).toBe('—')
})

test('a rate is a size each second', () => {
  expect(formatRate(208 * MIB + 0.4)).toBe('208 MiB/s')
})

test.each([
  ['0', '—'],
  ['1', '< 0.01 GiB-h'],
  [String(GIB / 4), '0.25 GiB-h'],
  [String(GIB * 7300), '7,300 GiB-h'],
])('%s byte-hours are told as %s', (byteHours, text) => {
  expect(formatByteHours(byteHours)).toBe(text)
})
