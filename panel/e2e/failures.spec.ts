/** Operations that fail, stall, are cancelled or take too long, by real faults of storage and processes. */

import { truncate } from 'node:fs/promises'

import { backupFile, damage, freezeRollBack, takeDestinationAway } from './faults.ts'
import { expect, expectAccessible, fill, leaveDialog, limitBackups, makeItem, test } from './fixtures.ts'
import { begin, beginSlowBackup, cancel, MIB, reaches } from './platform.ts'

test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('a backup whose destination is gone fails, says why, and can be deleted', async ({ panel, customer, gateway }) => {
  await makeItem(customer, 'backup', 'good')
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create backup' }).click()
  await panel.getByLabel('Name').fill('weekly')
  const putBack = await takeDestinationAway(gateway)
  try {
    await panel.getByRole('dialog').getByRole('button', { name: 'Create backup' }).click()
    const banner = panel.getByRole('region', { name: 'Current operation' })
    await expect(banner.getByText('Backup failed', { exact: true })).toBeVisible()
    await expect(banner.getByText('The backup storage cannot be reached. The volume was not changed.')).toBeVisible()
    const row = panel.getByRole('row', { name: /weekly/ })
    await expect(row).toContainText('Failed')
    await expect(row.getByRole('button', { name: 'Restore weekly' })).toHaveCount(0)
    await expect(row).toContainText('The backup storage cannot be reached.')
    await expectAccessible(panel)
    await panel.getByRole('tab', { name: 'Activity' }).click()
    await expect(panel.getByRole('row', { name: /Create backup/ }).first()).toContainText('The backup storage cannot be reached.')
  } finally {
    await putBack()
  }
  await panel.getByRole('tab', { name: 'Snapshots & Backups' }).click()
  await panel.getByRole('tab', { name: /^Backups/ }).click()
  await panel.getByRole('button', { name: 'Delete weekly' }).click()
  await panel.getByRole('alertdialog').getByRole('button', { name: 'Delete backup' }).click()
  await expect(panel.getByRole('row', { name: /weekly/ })).toHaveCount(0)
  await expect(panel.getByRole('row', { name: /good/ })).toBeVisible()
})

test('a backup that was damaged is found out before the volume is touched', async ({ panel, customer, gateway }) => {
  await fill(gateway, customer.volume, 8)
  const backup = await makeItem(customer, 'backup', 'weekly')
  await damage(await backupFile(gateway, backup.id))
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.keyboard.press('Enter')
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Roll back failed', { exact: true })).toBeVisible()
  await expect(banner.getByText(/^Backup is corrupt in frame \d+ \(byte \d+ of the object, byte \d+ of the disk\): .+\. +The volume was not changed\.$/)).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Attach…' })).not.toHaveAttribute('aria-disabled', 'true')
  await expect(panel.getByRole('row', { name: /weekly/ })).toContainText('A restore found it damaged just now.')
})

test('a roll back that fails half way leaves the volume partly overwritten, until another completes', async ({ panel, customer, gateway, admin }) => {
  // More than the agent reads ahead of what it writes.
  await fill(gateway, customer.volume, 48)
  await makeItem(customer, 'backup', 'good')
  const backup = await makeItem(customer, 'backup', 'weekly')
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await limitBackups(admin, 8 * MIB)
  const frozen = freezeRollBack(gateway, customer)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.keyboard.press('Enter')
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('The volume is being overwritten and can’t be attached until this finishes.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Attach…' })).toHaveAccessibleDescription(/^Wait for the restore to finish\./)
  await expect(banner.locator('[aria-current=step]')).toHaveText('Restoring')
  const thaw = await frozen
  await truncate(await backupFile(gateway, backup.id), 0)
  thaw()
  await expect(banner.getByText('Roll back failed', { exact: true })).toBeVisible()
  await expect(banner.getByText(/The volume is partly overwritten\. Roll back again before you attach it\.$/)).toBeVisible()
  await expect(panel.getByText('Partly overwritten', { exact: true })).toBeVisible()
  await expect(panel.getByText('The content of this volume is not whole.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Attach…' })).toHaveAccessibleDescription('It is partly overwritten. Roll back again first.')
  await expectAccessible(panel)

  await limitBackups(admin, null)
  await panel.getByRole('button', { name: 'Restore good' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.keyboard.press('Enter')
  await expect(banner.getByText('Rolled back', { exact: true })).toBeVisible()
  await expect(panel.getByText('The content of this volume is not whole.')).toBeHidden()
})

test('a roll back that is cancelled leaves the volume partly overwritten, as it said', async ({ panel, customer, gateway, admin }) => {
  await fill(gateway, customer.volume, 48)
  const backup = await makeItem(customer, 'backup', 'weekly')
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await limitBackups(admin, 8 * MIB)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Delete weekly' }).click()
  await panel.getByLabel('Type weekly to confirm').fill('weekly')
  const frozen = freezeRollBack(gateway, customer)
  await begin(customer, 'restoreInPlace', { volumeId: customer.volume.id, source: { backupId: backup.id }, confirmName: 'orders-db-data' })
  await frozen
  // This dialog is older than the roll back.
  await panel.keyboard.press('Enter')
  await expect(panel.getByRole('alertdialog').getByRole('alert')).toContainText('The snapshot or backup is not available: it is being restored.')
  await leaveDialog(panel)
  await expect(panel.getByRole('button', { name: 'Delete weekly' })).toHaveAccessibleDescription('A restore reads it.')
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.locator('[aria-current=step]')).toHaveText('Restoring')
  await banner.getByRole('button', { name: 'Cancel…' }).click()
  const dialog = panel.getByRole('alertdialog', { name: 'Cancel this operation?' })
  await expect(dialog).toContainText('can’t be attached until another roll back has completed')
  await dialog.getByRole('button', { name: 'Cancel the operation' }).click()
  await expect(banner.getByText('Roll back cancelled', { exact: true })).toBeVisible()
  await expect(banner.getByText('The volume is partly overwritten. Roll back again before you attach it.')).toBeVisible()
})

test('an operation that does not move is said to make no progress', async ({ panel, customer, gateway, admin }) => {
  await fill(gateway, customer.volume, 8)
  // Its destination takes half a minute for each frame of two mebibytes.
  await limitBackups(admin, 2 ** 16)
  const operation = await begin(customer, 'createBackup', { volumeId: customer.volume.id, name: 'weekly' })
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  // It says so after a quarter of a minute.
  await expect(banner.getByText(/^No progress for \d+ s\. The hypervisor may be slow or offline\.$/)).toBeVisible()
  await expect(banner.getByText(/^(\d+ min )?\d+ s so far$/)).toBeVisible()
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await expectAccessible(panel)
  await cancel(customer, operation)
  await expect(banner.getByText('Backup cancelled', { exact: true })).toBeVisible()
})

test('a backup that is cancelled leaves nothing behind', async ({ panel, customer, gateway, admin }) => {
  const operation = await beginSlowBackup(gateway, admin, customer)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await banner.getByRole('button', { name: 'Cancel…' }).click()
  await panel.getByRole('button', { name: 'Let it run' }).click()
  await expect(banner.getByRole('progressbar')).toBeVisible()
  await banner.getByRole('button', { name: 'Cancel…' }).click()
  await panel.getByRole('button', { name: 'Cancel the operation' }).click()
  await expect(banner.getByText('Backup cancelled', { exact: true })).toBeVisible()
  await expect(banner.getByText('The volume was not changed.')).toBeVisible()
  await reaches(customer, operation, 'CANCELLED')
})

test('what storage refuses to delete is as it was, and the page says so', async ({ panel, customer, gateway }) => {
  await makeItem(customer, 'backup', 'weekly')
  const back = await takeDestinationAway(gateway)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Delete weekly' }).click()
  await panel.getByLabel('Type weekly to confirm').fill('weekly')
  await panel.keyboard.press('Enter')
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Backup delete failed', { exact: true })).toBeVisible()
  await expect(banner).toContainText('Nothing of it was removed: it is as it was.')
  await expect(panel.getByRole('row', { name: /weekly/ })).toContainText('Available')
  await back()
})
