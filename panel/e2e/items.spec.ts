/** Snapshots and backups: taken, restored, rolled back, deleted. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

import { tabTo } from './accessibility.ts'
import { backupFile, takeDestinationAway } from './faults.ts'
import { expect, expectAccessible, fill, makeItem, test } from './fixtures.ts'
import { attachAndRun, begin, imageOf, reaches } from './platform.ts'

test.use({ contextOptions: { reducedMotion: 'no-preference' } })

test('a snapshot is taken by the keyboard, and the banner tells of it', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await tabTo(panel, panel.getByRole('button', { name: 'Take the first snapshot' }))
  await panel.keyboard.press('Enter')
  await expect(panel.getByLabel('Name')).toBeFocused()
  await panel.keyboard.type('before-upgrade')
  await panel.keyboard.press('Enter')
  await expect(panel.getByRole('dialog')).toBeHidden()
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Snapshot taken', { exact: true })).toBeVisible()
  const row = panel.getByRole('row', { name: /before-upgrade/ })
  await expect(row).toContainText('Available')
  await expect(panel.getByText('1 of 5 snapshots')).toBeVisible()
  await expect(panel.getByText('1 recovery point')).toBeVisible()
})

test('a snapshot without a name is named after the volume and the time', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  const name = await panel.getByLabel('Name').getAttribute('placeholder')
  expect(name).toMatch(/^orders-db-data-\d{8}-\d{4}$/)
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  await expect(panel.getByRole('row', { name: new RegExp(String(name)) })).toContainText('Available')
})

test('a backup is created and lies on the backup storage', async ({ panel, customer, gateway }) => {
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create the first backup' }).click()
  await panel.getByLabel('Name').fill('weekly')
  await panel.getByRole('button', { name: 'Create backup' }).click()
  const row = panel.getByRole('row', { name: /weekly/ })
  await expect(row).toContainText('Available')
  await expect(row).toContainText('Local backups')
  await expect(row).toContainText('1 GiB')
  const { volume } = await customer.api.ask('query ($id: ID!) { volume(id: $id) { backups { nodes { id } } } }', { id: customer.volume.id })
  expect(await backupFile(gateway, volume.backups.nodes[0].id)).toContain(`/volumes/${customer.volume.id}/`)
})

test('a restore to a new volume leads to it and leaves the source alone', async ({ panel, customer, gateway }) => {
  await fill(gateway, customer.volume, 8)
  await makeItem(customer, 'backup', 'weekly')
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Restore from weekly' })
  await expect(dialog.getByRole('radio', { name: 'Restore to a new volume' })).toBeChecked()
  await expect(dialog.getByRole('combobox', { name: 'Plan' })).toContainText('Small, 1 GiB')
  await expect(dialog.getByRole('combobox', { name: 'Location' })).toContainText('One machine')
  await expectAccessible(panel)

  await dialog.getByRole('combobox', { name: 'Plan' }).click()
  const ceph = panel.getByRole('option', { name: /Ceph/ })
  await expect(ceph).toHaveAttribute('aria-disabled', 'true')
  await expect(ceph).toContainText('Ceph storage: can’t take a QCOW2 file backup.')
  await panel.getByRole('option', { name: /Large/ }).click()
  await dialog.getByLabel('Name').fill('orders-db-copy')
  const source = imageOf(gateway, customer.volume.id)
  const before = await digestOf(source)
  await dialog.getByRole('button', { name: 'Create volume' }).click()

  await expect(panel.getByRole('heading', { level: 1, name: 'orders-db-copy' })).toBeVisible()
  await expect(panel.getByRole('region', { name: 'Current operation' }).getByText('Restored to a new volume', { exact: true })).toBeVisible()
  await expect(panel.getByText('4 GiB', { exact: true })).toBeVisible()
  const copy = imageOf(gateway, new URL(panel.url()).pathname.split('/').at(-1) ?? '')
  expect(await digestOf(source)).toBe(before)
  // It ends with an error where they differ; what the larger one has beyond the smaller is all zeros.
  await promisify(execFile)('qemu-img', ['compare', source, copy])
})

test('a roll back takes the volume’s typed name', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  const submit = panel.getByRole('button', { name: 'Overwrite and roll back' })
  await expect(submit).toHaveAttribute('aria-disabled', 'true')
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await expectAccessible(panel)
  await submit.click()
  await expect(panel.getByRole('region', { name: 'Current operation' }).getByText('Rolled back', { exact: true })).toBeVisible()
})

test('what was stopped for a roll back is started again from where that is told', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await attachAndRun(customer)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByRole('button', { name: 'Stop orders-db-01…' }).click()
  await panel.getByRole('button', { name: 'Stop instance' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.getByRole('button', { name: 'Overwrite and roll back' }).click()
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Rolled back', { exact: true })).toBeVisible()
  await expectAccessible(panel)
  await banner.getByRole('button', { name: 'Start orders-db-01' }).click()
  await expect(banner.getByRole('button', { name: 'Start orders-db-01' })).toBeHidden()
  const { instances } = await customer.api.ask('{ instances { nodes { status } } }')
  expect(instances.nodes).toEqual([{ status: 'RUNNING' }])
})

test('a delete takes the exact name, typed', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-pg17-upgrade')
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Delete before-pg17-upgrade' }).click()
  const dialog = panel.getByRole('alertdialog', { name: 'Delete this snapshot?' })
  const field = dialog.getByLabel('Type before-pg17-upgrade to confirm')
  await expect(field).toBeFocused()
  await field.fill('Before-pg17-upgrade')
  await expect(dialog.getByText('Almost: capitals and spaces must match.')).toBeVisible()
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await expectAccessible(panel)
  await field.fill('before-pg17-upgrade')
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel.getByText('No snapshots yet')).toBeVisible()
})

test('what failed is deleted without typing, several at once', async ({ panel, customer, gateway }) => {
  const back = await takeDestinationAway(gateway)
  for (const name of ['one', 'two', 'three']) await reaches(customer, await begin(customer, 'createBackup', { volumeId: customer.volume.id, name }), 'FAILED')
  await back()
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Delete one' }).click()
  const alone = panel.getByRole('alertdialog', { name: 'Delete this backup?' })
  await expect(alone).toContainText('one has failed: there is nothing to go back to in it.')
  await expect(alone.getByRole('textbox')).toHaveCount(0)
  await expectAccessible(panel)
  await alone.getByRole('button', { name: 'Delete backup' }).click()
  await expect(panel.getByRole('row', { name: /one/ })).toBeHidden()
  await panel.getByRole('button', { name: 'Delete 2 failed…' }).click()
  const both = panel.getByRole('alertdialog', { name: 'Delete 2 failed backups?' })
  await expect(both.getByRole('listitem')).toHaveCount(2)
  await expectAccessible(panel)
  await both.getByRole('button', { name: 'Delete 2 backups' }).click()
  await expect(panel.getByText('No backups yet')).toBeVisible()
})

test('history keeps the names of what was deleted, restored and rolled back to', async ({ panel, customer }) => {
  const { volume } = customer
  const snapshot = await makeItem(customer, 'snapshot', 'before-upgrade')
  const backup = await makeItem(customer, 'backup', 'weekly')
  const source = { snapshotId: snapshot.id }
  for (const [mutation, input] of [
    ['restoreInPlace', { volumeId: volume.id, source, confirmName: volume.name }],
    ['restoreToNewVolume', { source: { backupId: backup.id } }],
    ['deleteSnapshot', { snapshotId: snapshot.id, confirmName: 'before-upgrade' }],
    ['deleteBackup', { backupId: backup.id, confirmName: 'weekly' }],
  ] as const) {
    await reaches(customer, await begin(customer, mutation, input), 'COMPLETED')
  }
  await panel.goto(`/volumes/${volume.id}?tab=activity`)
  const rows = panel.getByRole('table', { name: 'Operations' }).getByRole('row').filter({ has: panel.getByRole('cell') })
  await expect(rows).toHaveText([
    /^Delete backupweekly/,
    /^Delete snapshotbefore-upgrade/,
    /^Restore to a new volumefrom weekly/,
    /^Roll backto before-upgrade/,
    /^Create backupweekly/,
    /^Take snapshotbefore-upgrade/,
    /^Create volumeorders-db-data/,
  ])
})

test('a backup outlives its volume, and makes a new one', async ({ panel, customer }) => {
  await makeItem(customer, 'backup', 'last-one')
  await panel.goto(`/volumes/${customer.volume.id}?tab=settings`)
  await panel.getByRole('button', { name: 'Delete volume…' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.getByRole('button', { name: 'Delete volume', exact: true }).click()
  await expect(panel).toHaveURL(/\/volumes$/)

  await panel.getByRole('link', { name: 'Backups' }).click()
  const row = panel.getByRole('row', { name: /last-one/ })
  await expect(row).toContainText('Volume is gone')
  await row.getByRole('button', { name: 'Restore last-one' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Restore from last-one' })
  await expect(dialog.getByRole('radio')).toHaveCount(0)
  await dialog.getByLabel('Name').fill('back-again')
  await dialog.getByRole('button', { name: 'Create volume' }).click()
  await expect(panel.getByRole('heading', { level: 1, name: 'back-again' })).toBeVisible()
  await expect(panel.getByRole('main').getByText('Available', { exact: true }).first()).toBeVisible()
})

async function digestOf(path: string): Promise<string> {
  return createHash('sha256').update(await readFile(path)).digest('hex')
}
