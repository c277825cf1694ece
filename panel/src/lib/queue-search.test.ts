import { expect, test } from 'vitest'

import { queueVariables, readQueueSearch } from './queue-search'

test('filters and a page are read, and what is none is dropped', () => {
  expect(readQueueSearch({ status: 'STARTED', kind: 'CREATE_BACKUP', account: 'a1', after: 'x' })).toEqual({
    status: 'STARTED',
    kind: 'CREATE_BACKUP',
    account: 'a1',
    after: 'x',
  })
  expect(readQueueSearch({ status: 'STUCK', ended: 'day', asked: 'never' })).toEqual({ status: 'STUCK', ended: 'day' })
  expect(readQueueSearch({ status: 'GONE', kind: 3, account: '', before: 1 })).toEqual({})
})

test('what stands still is no status, and what ended in a time is not what was asked for in it', () => {
  const now = Date.UTC(2026, 10, 22, 12)
  expect(queueVariables({ status: 'STUCK' }, now)).toMatchObject({ filter: { status: undefined }, stuck: true })
  const { filter, stuck } = queueVariables({ status: 'FAILED', ended: 'day' }, now)
  expect(filter).toMatchObject({ status: 'FAILED', createdAfter: undefined, finishedAfter: '2026-11-21T12:00:00.000Z' })
  expect(stuck).toBeUndefined()
})
