/** Narrow windows and fingers: lists stay tables as long as they can, can be ordered on a phone, and a tap says why not. */

import { expect, expectAccessible, makeItem, makeVolume, test } from './fixtures.ts'

test('from 768 pixels on, lists are tables', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await makeItem(customer, 'backup', 'weekly')
  const screens: [path: string, table: string][] = [
    ['/volumes', 'Volumes'],
    [`/volumes/${customer.volume.id}`, 'Snapshots'],
    [`/volumes/${customer.volume.id}?tab=backups`, 'Backups'],
    [`/volumes/${customer.volume.id}?tab=activity`, 'Operations'],
    ['/backups', 'Backups'],
    ['/instances', 'Instances'],
  ]
  for (const [path, name] of screens) {
    await panel.goto(path)
    const table = panel.getByRole('table', { name })
    for (const width of [768, 900, 1023, 1024, 1120]) {
      await panel.setViewportSize({ width, height: 900 })
      const [head, row] = [table.getByRole('columnheader').first(), table.getByRole('row').nth(1)]
      await expect(head).toBeVisible()
      expect(await row.evaluate((element) => getComputedStyle(element).display), `${path} at ${width}`).toBe('table-row')
      // Nothing of it is cut off.
      const hidden = await table.evaluate((element) => element.scrollWidth - (element.parentElement?.clientWidth ?? 0))
      expect(hidden, `${path} at ${width}`).toBeLessThanOrEqual(0)
      const cells = await row.getByRole('cell').count()
      expect(cells, `${path} at ${width}`).toBe(await table.getByRole('columnheader').count())
    }
  }
})

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true })

  test('a list is ordered, and a tap on a blocked button says why', async ({ panel, customer }) => {
    for (const name of ['archive', 'reports']) await makeVolume(customer.api, name)
    await panel.goto('/volumes')
    const names = panel.getByRole('table', { name: 'Volumes' }).getByRole('link')
    await expect(names).toHaveText(['reports', 'archive', 'orders-db-data'])
    const order = panel.getByRole('group', { name: 'Order' })
    await order.getByRole('button', { name: 'Name' }).tap()
    await expect(names).toHaveText(['archive', 'orders-db-data', 'reports'])
    await order.getByRole('button', { name: 'Name' }).tap()
    await expect(names).toHaveText(['reports', 'orders-db-data', 'archive'])
    await expect(order.getByRole('button', { name: 'Name' })).toHaveAttribute('aria-pressed', 'true')
    await expectAccessible(panel)

    await makeItem(customer, 'snapshot', 'before-upgrade')
    await panel.goto(`/volumes/${customer.volume.id}?tab=settings`)
    await panel.getByRole('button', { name: 'Delete volume…' }).tap({ force: true })
    await expect(panel.getByText('It has 1 snapshot. Delete them first.').last()).toBeVisible()
    await expect(panel.getByRole('alertdialog')).toHaveCount(0)
  })
})
