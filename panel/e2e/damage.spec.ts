/** A volume whose image is damaged: what is told of it, and the new image that a restore makes. */

import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { promisify } from 'node:util'

import { tabTo } from './accessibility.ts'
import { ruinImage } from './faults.ts'
import { expect, expectAccessible, expectAccessibleEverywhere, fill, leaveDialog, makeItem, test } from './fixtures.ts'
import { imageOf } from './platform.ts'

const OPTION = 'Where the image is damaged or gone, make a new one'

test('a damaged image is left alone until a new one is asked for, which takes its place', async ({ panel, customer, gateway }) => {
  const { volume } = customer
  const image = imageOf(gateway, volume.id)
  await fill(gateway, volume, 8)
  await makeItem(customer, 'backup', 'weekly')
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await copyFile(image, `${image}.kept`)
  await ruinImage(image)

  await panel.goto(`/volumes/${volume.id}?tab=backups`)
  const dialog = panel.getByRole('dialog', { name: 'Restore from weekly' })
  const option = dialog.getByRole('checkbox', { name: OPTION })
  const choose = async () => {
    await panel.getByRole('button', { name: 'Restore weekly' }).click()
    await dialog.getByRole('radio', { name: 'Roll back this volume' }).click()
    await expect(dialog.getByLabel(`Type ${volume.name} to confirm`)).toBeVisible()
  }
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await choose()
  // Nobody has met the damage yet.
  await expect(option).toHaveCount(0)
  await dialog.getByLabel(`Type ${volume.name} to confirm`).fill(volume.name)
  await panel.keyboard.press('Enter')
  await expect(banner.getByText('Roll back failed', { exact: true })).toBeVisible()
  await expect(banner).toContainText('let a new image take its place')
  await expect(banner).toContainText('The volume was not changed.')
  await expectAccessible(panel)

  await choose()
  await expect(option).not.toBeChecked()
  await expect(option).toHaveAccessibleDescription('The volume’s snapshots lie in the image, and are lost with it. A sound image is kept.')
  await expectAccessibleEverywhere(panel)
  await tabTo(panel, option)
  await panel.keyboard.press('Space')
  await expect(option).toBeChecked()
  await tabTo(panel, dialog.getByLabel(`Type ${volume.name} to confirm`))
  await panel.keyboard.type(volume.name)
  await panel.keyboard.press('Enter')
  await expect(banner.getByText('Rolled back', { exact: true })).toBeVisible()
  await promisify(execFile)('qemu-img', ['compare', `${image}.kept`, image])
  await panel.getByRole('tab', { name: /^Snapshots\b(?! &)/ }).click()
  await expect(panel.getByRole('row', { name: /before-upgrade/ })).toContainText('Failed')

  // It is whole again, and the option is gone.
  await panel.getByRole('tab', { name: /^Backups/ }).click()
  await choose()
  await expect(option).toHaveCount(0)
  await leaveDialog(panel)
})

test('a snapshot that met the damage says what helps', async ({ panel, customer, gateway }) => {
  await makeItem(customer, 'backup', 'weekly')
  await ruinImage(imageOf(gateway, customer.volume.id))
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  await panel.keyboard.press('Enter')
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Snapshot failed', { exact: true })).toBeVisible()
  await expect(banner).toContainText('Roll back from a backup, which may make a new image, or restore to a new volume.')
  await panel.getByRole('tab', { name: /^Backups/ }).click()
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await expect(panel.getByRole('checkbox', { name: OPTION })).toBeVisible()
})
