import { expect, test } from 'vitest'

import { readBackupsSearch } from './backups-search'

test('search, filters and page are read, and what is none is dropped', () => {
  const all = { q: 'weekly', status: 'FAILED', made: 'week', account: 'a1', after: 'x' }
  expect(readBackupsSearch(all)).toEqual(all)
  expect(readBackupsSearch({ q: '', status: 'GONE', made: 'ever', account: '', before: 1 })).toEqual({})
  expect(readBackupsSearch({ q: 2026 })).toEqual({ q: '2026' })
})
