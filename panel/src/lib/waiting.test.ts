import { expect, test } from 'vitest'

import { waitingWords, waitWords } from './waiting'

const since = '2026-11-22T12:00:00.000Z'

test('an administrator reads whose places are taken, and which is its place', () => {
  expect(waitingWords({ reason: 'AGENT_BUSY', since, position: 3 }, 'hv-ams-03')).toBe('All places of hv-ams-03 are taken. It is number 3 of what is taken next.')
  expect(waitingWords({ reason: 'NEXT', since, position: 1 }, 'hv-ams-03')).toBe('It is the next that hv-ams-03 takes.')
})

test('a customer reads of other work and of this volume’s hypervisor', () => {
  expect(waitingWords({ reason: 'AGENT_BUSY', since, position: 1 })).toBe('This volume’s hypervisor does other work.')
  expect(waitingWords({ reason: 'AGENT_OFFLINE', since, position: null })).toMatch(/^This volume’s hypervisor is offline since /)
  expect(waitingWords({ reason: 'SOMETHING_NEW', since, position: null })).toBe('It waits for this volume’s hypervisor.')
})

test('a phase that is a wait has words of its own, also one that a newer agent names', () => {
  expect(waitWords('The backup storage asks us to slow down')).toBe('The backup storage asks us to slow down. It goes on by itself.')
  expect(waitWords('Waiting for the backup storage')).toBe('The backup storage does not answer. It goes on by itself once it does.')
  expect(waitWords('Waiting for a new key')).toBe('Waiting for a new key. It goes on by itself.')
  expect(waitWords('Exporting')).toBeUndefined()
})
