import { describe, expect, test } from 'vitest'

import { aboveCap, NEW_PLAN, planDraftOf, planEffects, planInput, readCap, readCredits } from './plan-draft'

describe('a plan that is typed', () => {
  test('begins with the usual caps, free', () => {
    expect(planInput(NEW_PLAN)).toEqual({ maxSnapshots: 5, maxBackups: 10, snapshotCreditValue: '0', backupCreditValue: '0', operationDeadlineSeconds: null })
  })

  test('is what it was until it is changed', () => {
    const plan = { maxSnapshots: 0, maxBackups: 3, snapshotCreditValue: '0.05', backupCreditValue: '1', operationDeadlineSeconds: 5400 }
    expect(planInput(planDraftOf(plan))).toEqual(plan)
  })

  test('caps are whole numbers from 0', () => {
    expect(readCap(' 12 ')).toBe(12)
    for (const text of ['', '-1', '1.5', '1e3', 'five', '1001', '99999999999']) expect(readCap(text)).toBeUndefined()
    expect(planInput({ ...NEW_PLAN, maxBackups: '' })).toBeUndefined()
    expect(planInput({ ...NEW_PLAN, deadline: '2' })).toBeUndefined()
  })

  test('credits are exact decimals, with a point or a comma', () => {
    expect(readCredits('0,05')).toBe('0.05')
    expect(readCredits('.5')).toBe('0.5')
    expect(readCredits('1.')).toBe('1')
    for (const text of ['', '-1', '1e3', '1.2.3', '.', 'free']) expect(readCredits(text)).toBeUndefined()
  })
})

test('a change says to whom it applies and from when on, before it is saved', () => {
  const plan = { maxSnapshots: 5, maxBackups: 10, snapshotCreditValue: '0.05', backupCreditValue: '0', operationDeadlineSeconds: null, volumeCount: 212 }
  const draft = planDraftOf(plan)
  expect(planEffects(plan, draft)).toEqual([])
  expect(planEffects(plan, { ...draft, snapshotCredits: '0.050' })).toEqual([])
  expect(planEffects(plan, { ...draft, maxSnapshots: '3', snapshotCredits: '0,08', backupCredits: '1', deadline: '90 min' })).toEqual([
    'Max snapshots: 5 becomes 3 for 212 volumes, at once.',
    'Snapshot credits: 0.05 becomes 0.08 for 212 volumes, from the next hour on.',
    'Backup credits: free becomes 1 for 212 volumes, from the next hour on.',
    'Deadline: it holds for operations that are asked for from now on.',
  ])
  expect(planEffects(plan, { ...draft, maxSnapshots: 'many' })).toEqual([])
})

test('volumes that hold more than a cap are told, if there are any', () => {
  expect(aboveCap(0, 10)).toBeUndefined()
  expect(aboveCap(1, 10)).toBe('1 volume already holds more than 10. It keeps them, but can’t add.')
  expect(aboveCap(2, 10)).toBe('2 volumes already hold more than 10. They keep them, but can’t add.')
})
