/** Every screen and dialog of an administrator, in both themes and from the narrowest to the widest window. */

import type { Page } from '@playwright/test'

import { expect, expectAccessibleAtAllWidths, makeItem, platform, test } from './fixtures.ts'

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })

    test(`all screens of an administrator are accessible in the ${colorScheme} theme`, async ({ desk, customer, admin }) => {
      test.setTimeout(240_000)
      await makeItem(customer, 'backup', 'weekly')
      const { group, hypervisor, storage, plan } = await platform(admin)
      const { operations } = await admin.ask('query ($id: ID!) { operations(filter: { accountId: $id, kind: CREATE_BACKUP }) { nodes { id } } }', { id: customer.accountId })
      const screens: [path: string, ready: string][] = [
        ['/hypervisors', hypervisor.name],
        [`/hypervisors/${hypervisor.id}`, 'Capabilities'],
        ['/hypervisor-groups', group.name],
        [`/hypervisor-groups/${group.id}`, 'Storage pools'],
        ['/backup-storages', storage.name],
        [`/backup-storages/${storage.id}`, 'Destination'],
        ['/plans', plan.name],
        [`/plans/${plan.id}`, 'Save plan'],
        ['/queue', 'Create backup'],
        ['/queue?status=CANCELLED&kind=DELETE_VOLUME', 'No operation fits'],
        [`/queue/${operations.nodes[0].id}`, 'Events'],
        ['/accounts', customer.email],
        [`/accounts/${customer.accountId}`, customer.email],
        ['/volumes', 'orders-db-data'],
        [`/volumes/${customer.volume.id}?tab=activity`, 'Create backup'],
        ['/backups', 'weekly'],
        ['/instances', 'orders-db-01'],
        ['/plans/018f0000-0000-7000-8000-000000000000', 'There is no such plan'],
      ]
      for (const [path, ready] of screens) {
        await desk.goto(path)
        await expect(desk.getByRole('main').getByText(ready).first()).toBeVisible()
        await expectAccessibleAtAllWidths(desk)
      }
    })

    test(`all dialogs of an administrator are accessible in the ${colorScheme} theme`, async ({ desk, customer, admin }) => {
      test.setTimeout(240_000)
      const { group, storage } = await platform(admin)
      const dialogs: [path: string, button: string, then?: (page: Page) => Promise<void>][] = [
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
      ]
      for (const [path, button, then] of dialogs) {
        await desk.setViewportSize({ width: 1360, height: 860 })
        await desk.goto(path)
        await desk.getByRole('button', { name: button }).click()
        await expect(desk.getByRole('dialog')).toBeVisible()
        await then?.(desk)
        await expectAccessibleAtAllWidths(desk)
        await desk.keyboard.press('Escape')
        await expect(desk.getByRole('dialog')).toBeHidden()
        await expect(desk.getByRole('button', { name: button })).toBeFocused()
      }
    })
  })
}

test('the sidebar lists the screens of administrators, and the breadcrumb where one is', async ({ desk, admin }) => {
  const { plan } = await platform(admin)
  await expect(desk.getByText('Admin', { exact: true })).toBeVisible()
  const main = desk.getByRole('navigation', { name: 'Main' })
  for (const name of ['Hypervisors', 'Hypervisor groups', 'Backup storage', 'Volumes', 'Backups', 'Plans', 'Queue', 'Accounts', 'Instances']) {
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
