import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Toasts } from './toasts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('what went well goes by itself, what failed stays until closed', () => {
  const toasts = new Toasts()
  toasts.add({ tone: 'ok', title: 'Backup created' })
  toasts.add({ tone: 'bad', title: 'Backup failed' })
  vi.advanceTimersByTime(6_000)
  expect(toasts.all.map((toast) => toast.title)).toEqual(['Backup failed'])
  toasts.close(2)
  expect(toasts.all).toEqual([])
})

test('the newest three stay', () => {
  const toasts = new Toasts()
  for (const title of ['a', 'b', 'c', 'd']) toasts.add({ tone: 'bad', title })
  expect(toasts.all.map((toast) => toast.title)).toEqual(['b', 'c', 'd'])
})

test('while somebody is at them they stay, and are there for as long afterwards', () => {
  const toasts = new Toasts()
  toasts.add({ tone: 'ok', title: 'a' })
  vi.advanceTimersByTime(5_000)
  toasts.hold()
  toasts.add({ tone: 'ok', title: 'b' })
  vi.advanceTimersByTime(60_000)
  expect(toasts.all.map((toast) => toast.title)).toEqual(['a', 'b'])
  toasts.release()
  toasts.release()
  vi.advanceTimersByTime(5_999)
  expect(toasts.all).toHaveLength(2)
  vi.advanceTimersByTime(1)
  expect(toasts.all).toEqual([])
})
