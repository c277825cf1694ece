import { expect, test } from 'vitest'

import { limitsInput, quotaDraftOf } from './quota-draft'

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
