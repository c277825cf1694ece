import { expect, test } from 'vitest'

import { type BannerOperation, bannerState, stepsOf, troubleWords } from './banner'

const NOW = Date.UTC(2026, 10, 22, 12)
const ago = (ms: number) => new Date(NOW - ms).toISOString()

const running: BannerOperation = {
  id: 'op-1',
  kind: 'CREATE_BACKUP',
  status: 'STARTED',
  progress: { phase: 'Exporting', percent: 33.9, bytesDone: 339, bytesTotal: 1000 },
  finishedAt: null,
}
const done: BannerOperation = { ...running, status: 'COMPLETED', finishedAt: ago(28_000) }
const facts = {
  active: null,
  latest: null,
  cooldownEndsAt: null,
  now: NOW,
  linkLost: false,
  silentFor: 200,
  dismissed: null,
}

test('a quiet volume has no banner', () => {
  expect(bannerState(facts)).toEqual({ kind: 'none' })
})

test('what no agent has taken is queued', () => {
  const active = { ...running, status: 'PENDING' as const }
  expect(bannerState({ ...facts, active })).toMatchObject({ kind: 'queued' })
})

test.each([
  [0, 0, 'unknown'],
  [339, 1000, 'determinate'],
  [1000, 1000, 'closing'],
])('%d of %d bytes have the bar "%s"', (bytesDone, bytesTotal, bar) => {
  const active = { ...running, progress: { ...running.progress, bytesDone, bytesTotal } }
  expect(bannerState({ ...facts, active })).toMatchObject({ kind: 'running', bar, trouble: undefined })
})

test('15 s without news are a stall', () => {
  expect(bannerState({ ...facts, active: running, silentFor: 15_000 })).toMatchObject({ trouble: undefined })
  expect(bannerState({ ...facts, active: running, silentFor: 20_000 })).toMatchObject({
    trouble: { kind: 'stalled', forMs: 20_000 },
  })
})

test('a lost link is not taken for a stall', () => {
  expect(bannerState({ ...facts, active: running, linkLost: true, silentFor: 20_000 })).toMatchObject({
    trouble: { kind: 'lost', forMs: 20_000 },
  })
})

test('the end is told while the volume cools down, until it is dismissed', () => {
  const cooling = { ...facts, latest: done, cooldownEndsAt: NOW + 272_000 }
  expect(bannerState(cooling)).toMatchObject({ kind: 'ended' })
  expect(bannerState({ ...cooling, dismissed: 'op-1' })).toEqual({ kind: 'cooldown' })
})

test('an old end is not told', () => {
  expect(bannerState({ ...facts, latest: { ...done, finishedAt: ago(6 * 60_000) } })).toEqual({ kind: 'none' })
})

test('a cooldown longer than that tells it as long as it lasts', () => {
  const latest = { ...done, finishedAt: ago(6 * 60_000) }
  expect(bannerState({ ...facts, latest, cooldownEndsAt: NOW + 1_000 })).toMatchObject({ kind: 'ended' })
  expect(bannerState({ ...facts, latest, cooldownEndsAt: NOW })).toEqual({ kind: 'none' })
})

test('steps before the current one are done', () => {
  expect(stepsOf('RESTORE_IN_PLACE', 'Restoring', true, true)).toEqual([
    { name: 'Queued', state: 'done' },
    { name: 'Verifying', state: 'done' },
    { name: 'Restoring', state: 'now' },
    { name: 'Flushing', state: 'next' },
  ])
})

test('a snapshot is not verified', () => {
  expect(stepsOf('RESTORE_IN_PLACE', 'Restoring', true, false).map((step) => step.name)).toEqual(['Queued', 'Restoring'])
})

test('a step that a newer agent names is shown as it is', () => {
  expect(stepsOf('CREATE_BACKUP', 'Scrubbing', true, false).map((step) => step.name)).toEqual(['Queued', 'Scrubbing'])
})

test('before it has started it is queued, and no more is known', () => {
  expect(stepsOf('CREATE_BACKUP', '', false, false)).toEqual([{ name: 'Queued', state: 'now' }])
})

test('what an agent waits for is said as it is, and is neither a stall nor a step', () => {
  const active = { ...running, progress: { ...running.progress, phase: 'The backup storage asks us to slow down' } }
  const waits = { kind: 'waits', words: 'The backup storage asks us to slow down. It goes on by itself.' }
  expect(bannerState({ ...facts, active, silentFor: 60_000 })).toMatchObject({ kind: 'running', bar: 'determinate', trouble: waits })
  expect(bannerState({ ...facts, active, linkLost: true })).toMatchObject({ trouble: { kind: 'lost' } })
  expect(troubleWords({ kind: 'waits', words: waits.words })).toBe(waits.words)
  // Whoever opens the page meanwhile does not know how far it is.
  expect(stepsOf('CREATE_BACKUP', undefined, true, false)).toEqual([
    { name: 'Queued', state: 'done' },
    { name: 'Preparing', state: 'next' },
    { name: 'Exporting', state: 'next' },
  ])
  expect(stepsOf('CREATE_SNAPSHOT', undefined, true, false)).toEqual([{ name: 'Queued', state: 'done' }])
})
