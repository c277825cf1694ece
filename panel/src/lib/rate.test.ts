import { expect, test } from 'vitest'

import { addSample, measure, rateOf, type Sample, sparkline, startMeter, timeLeft } from './rate'

function samples(...pairs: [number, number][]): readonly Sample[] {
  return pairs.reduce<readonly Sample[]>((all, [at, bytes]) => addSample(all, { at, bytes }), [])
}

test('no rate in the first four seconds', () => {
  expect(rateOf(samples([0, 0], [3_000, 300]), 3_900)).toBeUndefined()
})

test('the rate is that of the last twelve seconds', () => {
  const slowThenFast = samples([0, 0], [10_000, 10], [20_000, 1_010], [22_000, 1_210])
  expect(rateOf(slowThenFast, 22_000)).toBe(100)
})

test('a stall lowers the rate although no sample comes', () => {
  const seen = samples([0, 0], [4_000, 400])
  expect(rateOf(seen, 8_000)).toBe(50)
})

test('a step that counts from the start again begins anew', () => {
  expect(samples([0, 500], [1_000, 20])).toEqual([{ at: 1_000, bytes: 20 }])
})

test.each([
  [50, 100, 10, 5_000],
  [50, 100, 0, undefined],
  [50, 100, undefined, undefined],
  [100, 100, 10, undefined],
])('%d of %d at %s: %s ms left', (done, total, rate, left) => {
  expect(timeLeft(done, total, rate)).toBe(left)
})

test('a sparkline fills its box', () => {
  expect(sparkline([0, 5, 10], 88, 22)).toBe('0,22 44,11 88,0')
})

test('the line has a point for each second', () => {
  let meter = startMeter('op-1')
  for (let i = 0; i <= 8; i += 1) meter = measure(meter, 'op-1', { at: i * 250, bytes: i * 100 })
  expect(meter.history).toEqual([400, 400])
})

test('another operation starts another line', () => {
  let meter = measure(startMeter('op-1'), 'op-1', { at: 0, bytes: 0 })
  meter = measure(meter, 'op-1', { at: 1_000, bytes: 50 })
  meter = measure(meter, 'op-2', { at: 2_000, bytes: 7 })
  expect(meter).toMatchObject({ of: 'op-2', history: [], samples: [{ at: 2_000, bytes: 7 }] })
})
