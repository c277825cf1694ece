/** Every dialog of a customer, the menus and every state of the banner, in both themes and at all widths. */

import type { Locator, Page } from '@playwright/test'

import { overtake, takeDestinationAway } from './faults.ts'
import { expect, expectAccessibleEverywhere, limitBackups, makeItem, makeVolume, test } from './fixtures.ts'
import { attachAndRun, begin, beginSlowBackup, cancel, reaches, send } from './platform.ts'

test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('all dialogs are accessible', async ({ panel, customer }) => {
  test.setTimeout(600_000)
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await makeItem(customer, 'backup', 'weekly')
  await customer.api.ask('mutation { createApiToken(input: { name: "nightly" }) { secret } }')
  const volume = `/volumes/${customer.volume.id}`
  const button = (name: string) => async () => panel.getByRole('button', { name }).click()
  const offers = (name: string, value: string) => async () => expect(panel.getByRole('combobox', { name })).toContainText(value)
  const dialogs: [path: string, title: string, ...steps: (() => Promise<void>)[]][] = [
    ['/volumes', 'Create a volume', button('Create volume'), offers('Plan', 'GiB')],
    [volume, 'Take a snapshot', button('Take snapshot')],
    [volume, 'Delete this snapshot?', button('Delete before-upgrade')],
    [volume, 'Attach orders-db-data', button('Attach…'), offers('Instance', 'orders-db-01')],
    [`${volume}?tab=backups`, 'Create a backup', button('Create backup')],
    [`${volume}?tab=backups`, 'Delete this backup?', button('Delete weekly')],
    [`${volume}?tab=backups`, 'Restore from weekly', button('Restore weekly'), offers('Plan', 'Small')],
    ['/instances', 'Attach a volume to orders-db-01', button('Attach a volume to orders-db-01'), offers('Volume', 'orders-db-data')],
    ['/volumes', 'Account', button('account of')],
    ['/api-tokens', 'Create an API token', button('Create token')],
    ['/api-tokens', 'Revoke nightly?', button('Revoke nightly')],
    ['/security', 'Change your password', button('Change password…')],
    ['/security', 'End this session?', button('End the session of')],
  ]
  for (const [path, title, ...steps] of dialogs) {
    await panel.goto(path)
    for (const step of steps) await step()
    await expectDialog(panel, title)
    await expectAccessibleEverywhere(panel)
  }

  await panel.goto('/api-tokens')
  await panel.getByRole('button', { name: 'Create token' }).click()
  await panel.getByLabel('Name').fill('weekly')
  await panel.keyboard.press('Enter')
  await expectDialog(panel, 'The token weekly')
  await expectAccessibleEverywhere(panel)

  await panel.goto(volume)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('Orders-db-data')
  await expect(panel.getByText('Almost: capitals and spaces must match.')).toBeVisible()
  await expectAccessibleEverywhere(panel)

  await attachAndRun(customer)
  await expect(panel.getByRole('button', { name: 'Stop orders-db-01…' })).toBeVisible()
  await expectAccessibleEverywhere(panel)
  await panel.goto(volume)
  await panel.getByRole('button', { name: 'Detach…' }).click()
  await expectDialog(panel, 'Detach orders-db-data?')
  await expectAccessibleEverywhere(panel)
  await panel.goto('/instances')
  await panel.getByRole('button', { name: 'Stop orders-db-01' }).click()
  await expectDialog(panel, 'Stop orders-db-01?')
  await expectAccessibleEverywhere(panel)
})

test('an open list of choices is accessible', async ({ panel, customer }) => {
  await makeItem(customer, 'backup', 'weekly')
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  await panel.getByRole('combobox', { name: 'Plan' }).click()
  await expect(panel.getByRole('option', { name: /Ceph/ })).toContainText('Ceph storage: can’t take a QCOW2 file backup.')
  await expectAccessibleEverywhere(panel)
  await expect(panel.getByRole('listbox')).toBeVisible()
})

test('on a phone the menu leads to every list', async ({ panel, customer }) => {
  await panel.setViewportSize({ width: 320, height: 900 })
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByRole('navigation', { name: 'Main' })).toBeHidden()
  const menu = panel.getByRole('dialog', { name: 'Menu' })
  for (const name of ['Instances', 'Backups', 'API tokens', 'Volumes']) {
    await panel.getByRole('button', { name: 'Menu' }).click()
    await menu.getByRole('link', { name, exact: true }).click()
    await expect(menu).toHaveCount(0)
    await expect(panel.getByRole('heading', { level: 1, name })).toBeVisible()
  }
  await panel.getByRole('button', { name: 'Menu' }).click()
  await expect(menu.getByRole('link', { name: 'Volumes' })).toHaveAttribute('aria-current', 'page')
  await expectAccessibleEverywhere(panel, [320])
  await menu.getByRole('button', { name: 'Close the menu' }).click()
  await expect(menu).toHaveCount(0)
})

test('the banner, the cap and the empty lists are accessible', async ({ panel, customer, gateway, admin }) => {
  test.setTimeout(600_000)
  const volume = `/volumes/${customer.volume.id}`
  const banner = panel.getByRole('region', { name: 'Current operation' })
  const shows = async (path: string, what: Locator) => {
    await panel.goto(path)
    await expect(what).toBeVisible()
    await expectAccessibleEverywhere(panel)
  }
  await shows('/backups', panel.getByText('No backups yet'))
  await shows('/api-tokens', panel.getByText('No API tokens yet'))
  await shows(volume, panel.getByText('No snapshots yet'))
  await shows(`${volume}?tab=settings`, panel.getByRole('button', { name: 'Delete volume…' }))
  await panel.getByRole('button', { name: 'Delete volume…' }).click()
  await expectDialog(panel, 'Delete this volume?')
  await expectAccessibleEverywhere(panel)

  const operation = await beginSlowBackup(gateway, admin, customer)
  await shows(`${volume}?tab=backups`, banner.getByText(/left$/))
  await banner.getByRole('button', { name: 'Cancel…' }).click()
  await expectDialog(panel, 'Cancel this operation?')
  await expectAccessibleEverywhere(panel)
  await panel.getByRole('button', { name: 'Let it run' }).click()
  await cancel(customer, operation)
  await expect(banner.getByText('Backup cancelled', { exact: true })).toBeVisible()
  await expectAccessibleEverywhere(panel)

  const putBack = await takeDestinationAway(gateway)
  try {
    for (const name of ['lost', 'lost-too']) await reaches(customer, await begin(customer, 'createBackup', { volumeId: customer.volume.id, name }), 'FAILED')
  } finally {
    await putBack()
  }
  await shows(`${volume}?tab=backups`, banner.getByText('Backup failed', { exact: true }))
  // Of the one that was cancelled nothing is left either.
  await panel.getByRole('button', { name: 'Delete 3 failed…' }).click()
  await expectDialog(panel, 'Delete 3 failed backups?')
  await expectAccessibleEverywhere(panel)

  for (const number of [1, 2, 3, 4, 5]) await makeItem(customer, 'snapshot', `snapshot-${number}`)
  await shows(volume, panel.getByText('5 of 5 snapshots'))
  await expect(banner.getByText('Snapshot taken', { exact: true })).toBeVisible()
})

async function expectDialog(page: Page, name: string): Promise<void> {
  await expect(page.getByRole('dialog', { name }).or(page.getByRole('alertdialog', { name }))).toBeVisible()
}

test('what a dialog suggests does not change when more is offered', async ({ panel, customer }) => {
  await panel.goto('/instances')
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await panel.getByRole('button', { name: 'Attach a volume to orders-db-01' }).click()
  const volume = panel.getByRole('combobox', { name: 'Volume' })
  await expect(volume).toContainText('orders-db-data')
  await makeVolume(customer.api, 'archive')
  await volume.click()
  await expect(panel.getByRole('option')).toContainText(['archive', 'orders-db-data'])
  await expect(panel.getByRole('option', { name: /orders-db-data/ })).toHaveAttribute('aria-selected', 'true')
})

test('a dialog that is closed before its answer leads nowhere, and tells what failed', async ({ panel, customer }) => {
  const leave = async () => {
    const button = panel.getByRole('button', { name: 'Cancel', exact: true })
    await button.click()
    await expect(button).toHaveCount(0)
  }
  await overtake(panel, 'CreateVolume', leave)
  await panel.goto('/volumes')
  await panel.getByRole('button', { name: 'Create volume' }).click()
  await panel.getByRole('dialog').getByLabel('Name').fill('archive')
  const answered = panel.waitForResponse((response) => response.request().postDataJSON()?.operationName === 'CreateVolume')
  await panel.getByRole('dialog').getByRole('button', { name: 'Create volume' }).click()
  await (await answered).finished()
  await expect(panel.getByRole('row', { name: /archive/ })).toContainText('Available')
  await expect(panel).toHaveURL(/\/volumes$/)

  await overtake(panel, 'DeleteVolume', async () => {
    await leave()
    await send(customer, 'attachVolume', { volumeId: customer.volume.id, instanceId: customer.instance.id })
  })
  await panel.goto(`/volumes/${customer.volume.id}?tab=settings`)
  await panel.getByRole('button', { name: 'Delete volume…' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await panel.getByRole('button', { name: 'Delete volume', exact: true }).click()
  await expect(panel.getByRole('region', { name: 'Notifications' })).toContainText('attached')
})
