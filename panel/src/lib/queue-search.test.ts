import { expect, test } from 'vitest'

import { readQueueSearch } from './queue-search'

test('filters and a page are read, and what is none is dropped', () => {
  expect(readQueueSearch({ status: 'STARTED', kind: 'CREATE_BACKUP', account: 'a1', after: 'x' })).toEqual({
    status: 'STARTED',
    kind: 'CREATE_BACKUP',
    account: 'a1',
    after: 'x',
  })
  expect(readQueueSearch({ status: 'GONE', kind: 3, account: '', before: 1 })).toEqual({})
})
