/** Instances: started and stopped, volumes attached and detached. */

import { expect, leaveDialog, makeVolume, test } from './fixtures.ts'
import { attachAndRun } from './platform.ts'

test('an instance gets a volume, is started and stopped, and gives it back', async ({ panel, customer }) => {
  await panel.goto('/instances')
  const row = panel.getByRole('row', { name: /orders-db-01/ })
  await expect(row).toContainText('Stopped')
  await row.getByRole('button', { name: 'Attach a volume to orders-db-01' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Attach a volume to orders-db-01' })
  await expect(dialog.getByRole('combobox', { name: 'Volume' })).toContainText('orders-db-data')
  await dialog.getByRole('button', { name: 'Attach volume' }).click()
  await expect(row.getByRole('link', { name: customer.volume.name })).toBeVisible()

  await row.getByRole('button', { name: 'Start orders-db-01' }).click()
  await expect(row).toContainText('Running')
  await row.getByRole('button', { name: 'Stop orders-db-01' }).click()
  await panel.getByRole('button', { name: 'Stop instance' }).click()
  await expect(row).toContainText('Stopped')

  await row.getByRole('button', { name: 'Detach orders-db-data' }).click()
  await panel.getByRole('button', { name: 'Detach volume' }).click()
  await expect(row.getByRole('link')).toHaveCount(0)
})

test('a volume is attached and detached on its own page, which shows where it is in use', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Attach…' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Attach orders-db-data' })
  await expect(dialog.getByRole('combobox', { name: 'Instance' })).toContainText('orders-db-01')
  await dialog.getByRole('button', { name: 'Attach volume' }).click()
  await expect(panel.getByText('In use', { exact: true })).toBeVisible()
  await panel.getByRole('main').getByRole('link', { name: 'orders-db-01' }).click()
  await expect(panel.getByRole('heading', { level: 1, name: 'Instances' })).toBeFocused()
  await panel.getByRole('link', { name: 'orders-db-data' }).click()
  await panel.getByRole('button', { name: 'Detach…' }).click()
  await panel.getByRole('button', { name: 'Detach volume' }).click()
  await expect(panel.getByText('Not attached')).toBeVisible()
})

test('a snapshot of a running instance says what it will hold', async ({ panel, customer }) => {
  await attachAndRun(customer)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  await expect(panel.getByRole('dialog')).toContainText('orders-db-01 is running: it will be what is on the disk at this moment, as after a power cut.')
  await leaveDialog(panel)
  await panel.getByRole('tab', { name: 'Settings' }).click()
  await expect(panel.getByRole('button', { name: 'Delete volume…' })).toHaveAccessibleDescription('It is attached to orders-db-01. Detach it first.')
})

test('when all volumes are in use there is none to attach', async ({ panel, customer }) => {
  await attachAndRun(customer)
  await panel.goto('/instances')
  await panel.getByRole('button', { name: 'Attach a volume to orders-db-01' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Attach a volume to orders-db-01' })
  await expect(dialog.getByRole('button', { name: 'Attach volume' })).toHaveAccessibleDescription('No volume is free.')
  // One that is made elsewhere meanwhile is offered at once.
  await makeVolume(customer.api, 'just-made')
  await expect(dialog.getByRole('combobox', { name: 'Volume' })).toContainText('just-made')
})
