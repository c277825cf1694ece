/** Every screen and dialog of an administrator, in both themes and from the narrowest to the widest window. */

import type { Page } from '@playwright/test'

import { limitBackups } from '../fixtures.ts'
import { beginSlowBackup, cancel } from '../platform.ts'

import { expect, expectAccessibleEverywhere, fresh, makeItem, platform, stuckVolume, test } from './fixtures.ts'

type Opening = [path: string, button: string, then?: (page: Page) => Promise<void>]

test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('all screens of an administrator are accessible', async ({ desk, customer, admin }) => {
  test.setTimeout(600_000)
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await makeItem(customer, 'backup', 'weekly')
  const volume = `/volumes/${customer.volume.id}`
  const { group, hypervisor, storage, plan } = await platform(admin)
  const { operations } = await admin.ask('query ($id: ID!) { operations(filter: { accountId: $id, kind: CREATE_BACKUP }) { nodes { id } } }', { id: customer.accountId })
  const screens: [path: string, ready: string][] = [
    ['/attention', 'Volumes without a backup'],
    ['/hypervisors', hypervisor.name],
    ['/hypervisors?show=offline', 'Those that are offline.'],
    [`/hypervisors/${hypervisor.id}`, 'Capabilities'],
    ['/hypervisor-groups', group.name],
    [`/hypervisor-groups/${group.id}`, 'Storage pools'],
    ['/backup-storages', storage.name],
    [`/backup-storages/${storage.id}`, 'Destination'],
    ['/plans', plan.name],
    [`/plans/${plan.id}`, 'Save plan'],
    ['/queue', 'Create backup'],
    ['/queue?status=CANCELLED&kind=DELETE_VOLUME', 'No operation fits'],
    ['/queue?status=STUCK', 'Standing still'],
    [`/queue/${operations.nodes[0].id}`, 'Events'],
    ['/accounts', customer.email],
    [`/accounts/${customer.accountId}`, customer.email],
    ['/usage', 'By account'],
    [`/usage/${customer.accountId}`, 'By volume'],
    ['/volumes', 'orders-db-data'],
    [volume, 'before-upgrade'],
    [`${volume}?tab=backups`, 'weekly'],
    [`${volume}?tab=activity`, 'Create backup'],
    [`${volume}?tab=settings`, 'Delete this volume'],
    ['/backups', 'weekly'],
    ['/instances', 'orders-db-01'],
    ['/api-tokens', 'No API tokens yet'],
    ['/plans/018f0000-0000-7000-8000-000000000000', 'There is no such plan'],
  ]
  for (const [path, ready] of screens) {
    await desk.goto(path)
    await expect(desk.getByRole('main').getByText(ready).first()).toBeVisible()
    await expectAccessibleEverywhere(desk)
  }
})

test('all dialogs of an administrator are accessible', async ({ desk, customer, admin }) => {
  test.setTimeout(600_000)
  const { group, hypervisor, storage } = await platform(admin)
  const { storagePools } = await admin.ask('{ storagePools { name hypervisorGroup { id } } }')
  const pool: string = storagePools.find((one: { hypervisorGroup: { id: string } }) => one.hypervisorGroup.id === group.id).name
  const volume = `/volumes/${customer.volume.id}?tab=settings`
  const dialogs: Opening[] = [
    ['/hypervisors', 'Add hypervisor'],
    ['/hypervisor-groups', 'Create group'],
    [`/hypervisor-groups/${group.id}`, 'Change…'],
    [`/hypervisor-groups/${group.id}`, 'Add storage pool…', (page) => page.getByRole('tab', { name: 'Ceph' }).click()],
    ['/backup-storages', 'Add backup storage'],
    ['/backup-storages', 'Add backup storage', (page) => page.getByRole('tab', { name: 'Local directory' }).click()],
    [`/backup-storages/${storage.id}`, 'Change…'],
    [`/backup-storages/${storage.id}`, 'Test…'],
    ['/plans', 'Create plan'],
    ['/accounts', 'Create account'],
    [`/accounts/${customer.accountId}`, 'Create user…'],
    ['/instances', 'Create instance'],
    [`/accounts/${customer.accountId}`, 'Change…'],
    ...['Change…', 'Set password…'].map(
      (action): Opening => [`/accounts/${customer.accountId}`, `Actions for ${customer.email}`, (page) => page.getByRole('group').getByRole('button', { name: action }).click()],
    ),
    [`/hypervisor-groups/${group.id}`, 'Add storage pool…'],
    ...['Change…', 'Accept this place…'].map(
      (action): Opening => [`/hypervisor-groups/${group.id}`, `Actions for ${pool}`, (page) => page.getByRole('group').getByRole('button', { name: action }).click()],
    ),
    [volume, 'Move…'],
    [volume, 'Write off…'],
    [`/hypervisors/${hypervisor.id}`, 'Change…'],
    [`/hypervisors/${hypervisor.id}`, 'Make a token…'],
    [`/instances?account=${customer.accountId}`, 'Actions for orders-db-01', (page) => page.getByRole('group').getByRole('button', { name: 'Rename…' }).click()],
  ]
  for (const [path, button, then] of dialogs) {
    await desk.goto(path)
    await desk.getByRole('button', { name: button }).click()
    const dialog = desk.getByRole('dialog').or(desk.getByRole('alertdialog'))
    // A menu's item opens it, or a tab of it is looked at.
    if (!button.startsWith('Actions for')) await expect(dialog).toBeVisible()
    await then?.(desk)
    await expect(dialog).toBeVisible()
    await expectAccessibleEverywhere(desk)
    await desk.keyboard.press('Escape')
    await expect(dialog).toBeHidden()
    await expect(desk.getByRole('button', { name: button })).toBeFocused()
  }
})

test('what an administrator is asked before an operation ends or an untested storage is saved is accessible', async ({ desk, customer, gateway, admin }) => {
  const name = fresh('stuck')
  const stuck = await stuckVolume(admin, name)
  await desk.goto(`/queue/${stuck.operationId}`)
  await desk.getByRole('button', { name: 'Mark failed…' }).click()
  const failing = desk.getByRole('alertdialog', { name: 'Mark this operation failed?' })
  await expectAccessibleEverywhere(desk)
  await failing.getByLabel('Reason').fill('The hypervisor is gone.')
  await failing.getByLabel(`Type ${name} to confirm`).fill(name.toUpperCase())
  await expect(failing.getByText('Almost: capitals and spaces must match.')).toBeVisible()
  await expectAccessibleEverywhere(desk)

  const operation = await beginSlowBackup(gateway, admin, customer)
  await desk.goto(`/queue/${operation}`)
  await expect(desk.getByRole('progressbar')).toBeVisible()
  await expectAccessibleEverywhere(desk)
  await desk.getByRole('button', { name: 'Cancel…' }).click()
  await expect(desk.getByRole('dialog', { name: 'Cancel this operation?' })).toBeVisible()
  await expectAccessibleEverywhere(desk)
  await cancel(customer, operation)

  await desk.goto('/backup-storages')
  await desk.getByRole('button', { name: 'Add backup storage' }).click()
  const storage = desk.getByRole('dialog', { name: 'Add a backup storage' })
  await storage.getByRole('textbox', { name: 'Name' }).fill('archive')
  await storage.getByRole('tab', { name: 'Local directory' }).click()
  await storage.getByRole('textbox', { name: 'Directory' }).fill('/srv/backups')
  await storage.getByRole('button', { name: 'Save…' }).click()
  await expect(storage.getByRole('alert')).toContainText('This has not been tested.')
  await expectAccessibleEverywhere(desk)
})

test('the sidebar lists the screens of administrators, and the breadcrumb where one is', async ({ desk, admin }) => {
  const { plan } = await platform(admin)
  await desk.goto('/')
  await expect(desk.getByText('Admin', { exact: true })).toBeVisible()
  const main = desk.getByRole('navigation', { name: 'Main' })
  for (const name of ['Hypervisors', 'Hypervisor groups', 'Backup storage', 'Volumes', 'Backups', 'Plans', 'Queue', 'Accounts', 'Instances', 'Usage']) {
    await main.getByRole('link', { name, exact: true }).click()
    await expect(desk.getByRole('heading', { level: 1, name, exact: true })).toBeFocused()
  }
  await desk.goto(`/plans/${plan.id}`)
  const breadcrumb = desk.getByRole('navigation', { name: 'Breadcrumb' })
  await expect(breadcrumb).toContainText(plan.name)
  await breadcrumb.getByRole('link', { name: 'Plans' }).click()
  await expect(desk).toHaveURL(/\/plans$/)
  await expect(desk).toHaveTitle('Plans · Tidemark')
})
