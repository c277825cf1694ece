import { expect, test } from 'vitest'

import { mayNeedNewImage } from './new-image'

const well = { status: 'AVAILABLE', dataState: 'CONSISTENT' }
const damaged = { kind: 'CREATE_SNAPSHOT', status: 'FAILED', error: { code: 'IMAGE_DAMAGED' } }
const failed = { kind: 'CREATE_BACKUP', status: 'FAILED', error: { code: 'STORAGE_FAILED' } }
const restored = { kind: 'RESTORE_IN_PLACE', status: 'COMPLETED', error: null }

test('a new image is offered where the old one may be what is wrong', () => {
  expect(mayNeedNewImage({ ...well, operations: { nodes: [] } })).toBe(false)
  expect(mayNeedNewImage({ ...well, operations: { nodes: [failed] } })).toBe(false)
  expect(mayNeedNewImage({ ...well, operations: { nodes: [failed, damaged, restored] } })).toBe(true)
  expect(mayNeedNewImage({ ...well, status: 'FAILED', operations: { nodes: [] } })).toBe(true)
  expect(mayNeedNewImage({ ...well, dataState: 'INCONSISTENT', operations: { nodes: [restored] } })).toBe(true)
})

test('once it was restored, it is whole', () => {
  expect(mayNeedNewImage({ ...well, operations: { nodes: [restored, damaged] } })).toBe(false)
})
