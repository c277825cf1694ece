/** Where administrators land: what needs them, each with the way to it. */

import { takeDestinationAway } from '../faults.ts'
import { begin, reaches } from '../platform.ts'

import { directory, expect, expectAccessibleEverywhere, fresh, makeVolume, test } from './fixtures.ts'

test.use({ aloneFor: 'what needs an administrator' })

test('an administrator lands on what needs one, and each figure leads to those that it counts', async ({ desk, customer, gateway, admin }) => {
  const back = await takeDestinationAway(gateway)
  await reaches(customer, await begin(customer, 'createBackup', { volumeId: customer.volume.id, name: 'weekly' }), 'FAILED')
  await back()
  const [storage, path] = [fresh('untested'), await directory(gateway, 'untested')]
  await admin.ask('mutation ($input: CreateBackupStorageInput!) { createBackupStorage(input: $input) { backupStorage { id } } }', { input: { name: storage, local: { path } } })
  await makeVolume(customer.api, 'without-a-backup')
  await desk.goto('/')
  await expect(desk).toHaveURL(/\/attention$/)
  await expect(desk.getByRole('heading', { level: 1, name: 'Attention' })).toBeVisible()
  const main = desk.getByRole('main')
  await expect(main.getByRole('listitem')).toHaveCount(7)
  await expectAccessibleEverywhere(desk)

  await main.getByRole('link', { name: 'Operations failed in 24 hours' }).click()
  await expect(desk.getByRole('table', { name: 'Queue' }).getByRole('row', { name: /Create backup weekly/ })).toContainText('Failed')
  await desk.goBack()
  await main.getByRole('link', { name: 'Backup storages were never tested' }).click()
  await expect(desk.getByText('Those that were never tested.')).toBeVisible()
  await expect(desk.getByRole('row', { name: new RegExp(storage) })).toBeVisible()
  await desk.getByRole('button', { name: 'Show all' }).click()
  await expect(desk).toHaveURL(/\/backup-storages$/)
  await desk.goto('/attention')
  await main.getByRole('link', { name: 'Volumes have no backup' }).click()
  await expect(desk.getByRole('row', { name: /without-a-backup/ })).toContainText('No backup')
})
