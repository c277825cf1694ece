import { expect, test } from 'vitest'

import { ServerClock } from './server-clock'

const at = (ms: number) => new Date(ms).toISOString()

test('without an answer it is the local clock', () => {
  expect(new ServerClock().now(5_000)).toBe(5_000)
})

test('it follows a server that is an hour ahead', () => {
  const clock = new ServerClock()
  clock.learn(at(3_600_000), 0)
  expect(clock.now(10_000)).toBe(3_610_000)
})

test('the answer that came fastest counts', () => {
  const clock = new ServerClock()
  clock.learn(at(1_000), 1_900)
  clock.learn(at(2_000), 2_050)
  clock.learn(at(3_000), 3_800)
  expect(clock.now(10_000)).toBe(9_950)
})

test('old answers are forgotten, so a corrected clock is believed', () => {
  const clock = new ServerClock(2)
  clock.learn(at(9_000), 0)
  clock.learn(at(1_000), 1_000)
  clock.learn(at(2_000), 2_000)
  expect(clock.now(5_000)).toBe(5_000)
})

test('what is no time teaches nothing', () => {
  const clock = new ServerClock()
  clock.learn('soon', 0)
  expect(clock.now(1)).toBe(1)
})
