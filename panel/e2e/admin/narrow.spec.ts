/** Narrow windows: the lists of administrators stay tables as long as they can. */

import { expect, fresh, makeItem, platform, stuckVolume, test } from './fixtures.ts'

test('from 768 pixels on, the lists of administrators are tables, and nothing of them is cut off', async ({ desk, customer, admin }) => {
  await makeItem(customer, 'backup', 'weekly')
  const { operationId } = await stuckVolume(admin, fresh('stuck'))
  const { group } = await platform(admin)
  const screens: [path: string, table: string][] = [
    ['/volumes', 'Volumes'],
    ['/backups', 'Backups'],
    ['/queue', 'Queue'],
    [`/queue/${operationId}`, 'Events'],
    ['/hypervisors', 'Hypervisors'],
    ['/hypervisor-groups', 'Hypervisor groups'],
    [`/hypervisor-groups/${group.id}`, 'Storage pools'],
    ['/backup-storages', 'Backup storages'],
    ['/plans', 'Plans'],
    ['/accounts', 'Accounts'],
    ['/instances', 'Instances'],
  ]
  for (const [path, name] of screens) {
    await desk.goto(path)
    const table = desk.getByRole('table', { name, exact: true })
    for (const width of [768, 1023, 1024, 1120]) {
      await desk.setViewportSize({ width, height: 900 })
      await expect(table.getByRole('columnheader').first()).toBeVisible()
      expect(await table.getByRole('row').nth(1).evaluate((element) => getComputedStyle(element).display), `${path} at ${width}`).toBe('table-row')
      const hidden = await table.evaluate((element) => element.scrollWidth - (element.parentElement?.clientWidth ?? 0))
      expect(hidden, `${path} at ${width}`).toBeLessThanOrEqual(0)
    }
  }
})
