import { describe, expect, test } from 'vitest'

import { draftOf, draftReason, inputOf, isUntested, type KnownStorage, limitBytes } from './backup-storage'

const BUCKET: KnownStorage = {
  id: '1',
  name: 'ams',
  kind: 'S3',
  bandwidthLimit: 50 * 2 ** 20,
  s3: { endpoint: 'https://s3.ams.example', region: 'eu', bucket: 'ams-backups', prefix: null, accessKeyId: 'AK1', forcePathStyle: null },
  nfs: null,
  local: null,
}

describe('what is sent', () => {
  test('what was not changed is what was there, and the secret stays', () => {
    expect(inputOf(draftOf(BUCKET))).toEqual({
      name: 'ams',
      bandwidthLimit: 52_428_800,
      s3: { endpoint: 'https://s3.ams.example', region: 'eu', bucket: 'ams-backups', prefix: null, accessKeyId: 'AK1', secretAccessKey: undefined, forcePathStyle: null },
      nfs: undefined,
      local: undefined,
    })
  })

  test('what is emptied is cleared, and only the kind that is chosen is sent', () => {
    const draft = { ...draftOf(BUCKET), endpoint: ' ', limit: '', style: 'path' as const }
    expect(inputOf(draft)).toMatchObject({ bandwidthLimit: null, s3: { endpoint: null, forcePathStyle: true } })
    expect(inputOf({ ...draft, kind: 'LOCAL', path: '/srv/b ' })).toMatchObject({ s3: undefined, local: { path: '/srv/b' } })
  })
})

describe('what is missing', () => {
  test('each kind needs its own fields', () => {
    const empty = { ...draftOf(undefined), name: 'b' }
    expect(draftReason({ ...empty, name: ' ' }, undefined)).toBe('Name the backup storage first.')
    expect(draftReason(empty, undefined)).toBe('The bucket is missing.')
    expect(draftReason({ ...empty, bucket: 'bbb', accessKeyId: 'a' }, undefined)).toBe('The secret access key is missing.')
    expect(draftReason({ ...empty, kind: 'NFS', server: 'nas' }, undefined)).toBe('The export is missing.')
    expect(draftReason({ ...empty, kind: 'LOCAL' }, undefined)).toBe('The directory is missing.')
    expect(draftReason({ ...empty, kind: 'LOCAL', path: '/b' }, undefined)).toBeNull()
  })

  test('a kept secret need not be typed, unless the access key is another one', () => {
    const draft = draftOf(BUCKET)
    expect(draftReason(draft, BUCKET)).toBeNull()
    expect(draftReason({ ...draft, accessKeyId: 'AK2' }, BUCKET)).toBe('Another access key has another secret. Replace it, too.')
    expect(draftReason({ ...draft, accessKeyId: 'AK2', secretAccessKey: 's' }, BUCKET)).toBeNull()
  })

  test('a limit is a number that is not too small', () => {
    expect(limitBytes('')).toBeNull()
    expect(limitBytes('0.5')).toBe(524_288)
    for (const text of ['0', '0.01', '-1', 'fast', '1e99']) expect(limitBytes(text)).toBeUndefined()
    expect(draftReason({ ...draftOf(BUCKET), limit: '0.01' }, BUCKET)).toBe('The limit is a number of MiB a second, at least 0.0625.')
  })
})

test('a test is due when the address or the key has changed, not for a name or a limit', () => {
  const draft = draftOf(BUCKET)
  expect(isUntested(draftOf(undefined), undefined)).toBe(true)
  expect(isUntested({ ...draft, name: 'other', limit: '' }, BUCKET)).toBe(false)
  expect(isUntested({ ...draft, bucket: 'other' }, BUCKET)).toBe(true)
  expect(isUntested({ ...draft, secretAccessKey: 'new' }, BUCKET)).toBe(true)
})
