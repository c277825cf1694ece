import { expect, test } from 'vitest'

import { orderOf, readVolumesSearch } from './volumes-search'

test('what is no filter is dropped', () => {
  expect(readVolumesSearch({ q: '', status: 'GONE', sort: 'age', extra: 1 })).toEqual({})
})

test('a name that looks like a number is text all the same', () => {
  expect(readVolumesSearch({ q: 42, status: 'FAILED' })).toEqual({ q: '42', status: 'FAILED' })
})

test('a minus orders downwards', () => {
  expect(orderOf('-size')).toEqual({ field: 'SIZE', direction: 'DESC' })
  expect(orderOf('name')).toEqual({ field: 'NAME', direction: 'ASC' })
})
