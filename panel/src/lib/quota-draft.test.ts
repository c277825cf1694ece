import { expect, test } from 'vitest'

import { limitsInput, quotaDraftOf, quotaEffects } from './quota-draft'

const KNOWN = { volumeLimit: 100, volumeBytesLimit: 10 * 2 ** 40 }

test('what was not changed is not sent', () => {
  expect(quotaDraftOf(KNOWN)).toEqual({ volumes: '100', gibibytes: '10240' })
  expect(limitsInput(quotaDraftOf(KNOWN), KNOWN)).toEqual({})
  expect(limitsInput({ volumes: ' 5 ', gibibytes: '10240' }, KNOWN)).toEqual({ volumeLimit: 5 })
  expect(limitsInput({ volumes: '100', gibibytes: '0.5' }, KNOWN)).toEqual({ volumeBytesLimit: 2 ** 29 })
})

test('an emptied limit is the platform’s again', () => {
  expect(limitsInput({ volumes: '', gibibytes: ' ' }, KNOWN)).toEqual({ volumeLimit: null, volumeBytesLimit: null })
})

test('what is no number is not sent', () => {
  for (const text of ['-1', '1e3', 'many', '99999999999999999999']) {
    expect(limitsInput({ volumes: text, gibibytes: '1' }, KNOWN)).toBeUndefined()
    expect(limitsInput({ volumes: '1', gibibytes: text }, KNOWN)).toBeUndefined()
  }
  expect(limitsInput({ volumes: '1.5', gibibytes: '1' }, KNOWN)).toBeUndefined()
})

test('what other limits do is told before they are saved', () => {
  const known = { ...KNOWN, volumeCount: 4, volumeBytes: 2 ** 30 }
  expect(quotaEffects(known, {})).toEqual([])
  expect(quotaEffects(known, undefined)).toEqual([])
  expect(quotaEffects(known, { volumeLimit: 2 })).toEqual(['At most 2 volumes instead of 100 volumes, at once. It has 4 volumes: that stays, but it can’t add.'])
  expect(quotaEffects(known, { volumeLimit: null, volumeBytesLimit: 2 ** 31 })).toEqual(['As many volumes as the platform allows, at once.', 'At most 2 GiB instead of 10 TiB, at once.'])
})
