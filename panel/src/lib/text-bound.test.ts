import { expect, test } from 'vitest'

import * as bounds from '~/api/bounds.generated'

import { lengthOf, passwordReason, textReason, tooLong } from './text-bound'

test('characters are counted as the gateway counts them', () => {
  expect(lengthOf('🗄'.repeat(128))).toBe(128)
  expect(lengthOf('A\u0308rger')).toBe(5)
  expect(lengthOf('  two words ')).toBe(9)
})

test('a text may be as long as the schema says, and no longer', () => {
  const bound = { least: 1, most: 128 }
  expect(tooLong('🗄'.repeat(128), bound)).toBeUndefined()
  expect(tooLong('🗄'.repeat(129), bound)).toBe('At most 128 characters: this has 129.')
  expect(tooLong('x'.repeat(10_000), { least: 12 })).toBeUndefined()
  expect(textReason('  ', bound, 'Name the volume first.')).toBe('Name the volume first.')
  expect(textReason('x'.repeat(129), bound, 'Name the volume first.')).toBe('At most 128 characters: this has 129.')
  expect(textReason('orders', bound, 'Name the volume first.')).toBeNull()
})

test('a password is as long as it was typed', () => {
  expect(passwordReason('🗄'.repeat(11), { least: 12 })).toBe('The password has at least 12 characters.')
  expect(passwordReason(' '.repeat(12), { least: 12 })).toBeNull()
})

test('the schema’s words are read', () => {
  expect(bounds.CreateVolumeInput.name).toEqual({ least: 1, most: 128 })
  expect(bounds.FailOperationInput.reason).toEqual({ least: 1, most: 1000 })
  expect(bounds.UpdateVolumePlanInput.maxBackups).toEqual({ least: 0, most: 1000 })
  expect(bounds.CreateUserInput.password).toEqual({ least: 12 })
  expect(bounds.CreateBackupStorageInput.bandwidthLimit).toEqual({ least: 65_536 })
})
