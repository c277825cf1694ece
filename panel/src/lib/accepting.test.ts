import { expect, test } from 'vitest'

import { acceptWords } from './accepting'

test.each(['QCOW2_FILE', 'LOCAL'])('of %s the disk may have been replaced, and is to be mounted where it is missing', (medium) => {
  expect(acceptWords(medium)).toMatch(/the former disk is refused .* mount it instead\. What lay on the former disk/)
})

test.each([
  ['CEPH_RBD', 'Ceph pool'],
  ['S3', 'bucket'],
  ['NFS', 'export'],
])('of %s no disk is spoken of', (medium, former) => {
  const words = acceptWords(medium)
  expect(words).not.toMatch(/disk|mount/)
  expect(words).toContain(`the former ${former} is refused`)
})
