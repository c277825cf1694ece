/** An operation that takes longer than it may. */

import { expect, limitBackups, test } from './fixtures.ts'
import { beginSlowBackup } from './platform.ts'

test.use({ deadlineSeconds: 6 })
test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('what does not finish in time is stopped, and the volume is released', async ({ panel, customer, gateway, admin }) => {
  await beginSlowBackup(gateway, admin, customer)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Backup failed', { exact: true })).toBeVisible()
  await expect(banner).toContainText('Did not end within 6 seconds. It was stopped, and the volume is released. The volume was not changed.')
  await expect(panel.getByRole('row', { name: /weekly/ })).toContainText('Failed')
  await expect(panel.getByRole('button', { name: 'Create backup' })).not.toHaveAttribute('aria-disabled', 'true')
})
