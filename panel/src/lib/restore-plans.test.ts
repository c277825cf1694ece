import { expect, test } from 'vitest'

import { GIB } from './bytes'
import { isolate } from './isolate'
import { firstPlan, planReason } from './restore-plans'

const plan = (id: string, gib: number, storageType = 'QCOW2_FILE') => ({ id, name: id, sizeBytes: gib * GIB, storageType })
const small = plan('small', 20)
const fitting = plan('fitting', 40)
const large = plan('large', 80)
const ceph = plan('ceph', 80, 'CEPH_RBD')
const place = { name: 'Amsterdam 1', plans: [small, fitting, large, ceph] }
const source = { noun: 'backup' as const, storageType: 'QCOW2_FILE', volumeSizeBytes: 40 * GIB }

test('another kind of storage is told', () => {
  expect(planReason(ceph, source, place)).toBe('Ceph storage: can’t take a QCOW2 file backup.')
})

test('too small a plan is told with both sizes', () => {
  expect(planReason(small, source, place)).toBe('20 GiB is smaller than this 40 GiB backup.')
})

test('a plan that the place does not have is told', () => {
  expect(planReason(large, source, { name: 'Oslo', plans: [fitting] })).toBe(`Not offered in ${isolate('Oslo')}.`)
})

test('what fits has no reason', () => {
  expect(planReason(fitting, source, place)).toBeUndefined()
})

test('the inherited plan comes first, even where it no longer fits', () => {
  expect(firstPlan([small, fitting], source, place, 'small')).toBe('small')
})

test('without one, the smallest that fits does', () => {
  expect(firstPlan([ceph, large, small, fitting], source, place, undefined)).toBe('fitting')
  expect(firstPlan([ceph, small], source, place, 'gone')).toBeUndefined()
})
