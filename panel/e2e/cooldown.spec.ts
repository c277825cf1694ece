/** The pause after an operation. */

import { expect, makeItem, test } from './fixtures.ts'

test.use({ cooldownSeconds: 300 })

test('the volume rests, counted down by the server’s clock', async ({ panel, customer }) => {
  // This side's clock is an hour behind.
  await panel.clock.install({ time: Date.now() - 3_600_000 })
  await panel.goto(`/volumes/${customer.volume.id}`)
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.clock.runFor(2_000)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByRole('timer')).toHaveText(/^4:\d\d$/)
  await expect(panel.getByRole('button', { name: 'Take snapshot' })).toHaveAccessibleDescription(/^Available again in 4:\d\d\.$/)
  await banner.getByRole('button', { name: 'Dismiss' }).click()
  await expect(banner.getByText('Cooling down')).toBeVisible()
})
