import { expect, test } from 'vitest'

import { defaultName, restoredName } from './default-name'

const AT = new Date(2026, 10, 22, 20, 41).getTime()

test('it is the volume’s name and the local time', () => {
  expect(defaultName('orders-db-data', AT, 128)).toBe('orders-db-data-20261122-2041')
})

test('a second one of the same minute is called otherwise', () => {
  const taken = ['orders-db-data-20261122-2041', 'orders-db-data-20261122-2041-2']
  expect(defaultName('orders-db-data', AT, 128, taken)).toBe('orders-db-data-20261122-2041-3')
})

test('it is never longer than the API allows', () => {
  expect(Array.from(defaultName('🗄'.repeat(128), AT, 128))).toHaveLength(128)
})

test('a restored volume says what it was restored from', () => {
  expect(restoredName('orders-db-data', 128)).toBe('orders-db-data-restored')
  expect(restoredName('orders-db-data', 128, ['orders-db-data-restored'])).toBe('orders-db-data-restored-2')
  expect(Array.from(restoredName('🗄'.repeat(128), 128))).toHaveLength(128)
})
