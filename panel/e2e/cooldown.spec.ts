/** The pause after an operation. */

import { expect, expectAccessible, leaveDialog, makeItem, test } from './fixtures.ts'

test.use({ cooldownSeconds: 300 })

test('the volume rests, counted down by the server’s clock', async ({ panel, customer }) => {
  // This side's clock is an hour behind.
  await panel.clock.install({ time: Date.now() - 3_600_000 })
  await panel.goto(`/volumes/${customer.volume.id}`)
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.clock.runFor(2_000)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByRole('timer')).toHaveText(/^[34]:\d\d$/)
  await expect(panel.getByRole('button', { name: 'Take snapshot' })).toHaveAccessibleDescription(/^Available again in [34]:\d\d\.$/)
  await banner.getByRole('button', { name: 'Dismiss' }).click()
  await expect(banner.getByText('Cooling down')).toBeVisible()
  for (const colorScheme of ['light', 'dark'] as const) {
    await panel.emulateMedia({ colorScheme })
    for (const width of [320, 1440]) {
      await panel.setViewportSize({ width, height: 900 })
      await expectAccessible(panel)
    }
  }
})

test('each control says when it is back; what obeys no pause can be used', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create the first backup' }).click()
  await makeItem(customer, 'backup', 'weekly')
  // This dialog is older than the pause.
  await panel.getByRole('dialog').getByRole('button', { name: 'Create backup' }).click()
  const refusal = panel.getByRole('dialog').getByRole('alert')
  await expect(refusal).toContainText(/Volume is in cooldown\. Try again in \d+ seconds\./)
  await expect(refusal).toContainText('A short pause follows every operation on a volume.')
  await leaveDialog(panel)

  const reason = /^Available again in [34]:\d\d\.$/
  await expect(panel.getByRole('button', { name: 'Create backup' })).toHaveAccessibleDescription(reason)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Restore from weekly' })
  // A backup is read from its storage, and the volume rests on.
  await expect(dialog.getByRole('button', { name: 'Create volume' })).not.toHaveAttribute('aria-disabled', 'true')
  await dialog.getByRole('radio', { name: 'Roll back this volume' }).click()
  await expect(dialog.getByRole('button', { name: 'Overwrite and roll back' })).toHaveAccessibleDescription(reason)
  await expectAccessible(panel)
  await leaveDialog(panel)
  await panel.getByRole('button', { name: 'Delete weekly' }).click()
  await panel.getByLabel('Type weekly to confirm').fill('weekly')
  await panel.keyboard.press('Enter')
  await expect(panel.getByText('No backups yet')).toBeVisible()
})
