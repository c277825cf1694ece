/** The end of the pause after an operation. */

import { expect, test } from './fixtures.ts'
import { begin, reaches } from './platform.ts'

test.use({ cooldownSeconds: 15 })

test('when it is over the buttons come alive by themselves', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  await expect(panel.getByLabel('Name')).toBeFocused()
  await panel.keyboard.press('Enter')
  const take = panel.getByRole('tabpanel').getByRole('button', { name: 'Take snapshot' })
  await expect(take).toHaveAccessibleDescription(/^Available again in 0:[01]\d\.$/)
  await expect(panel.getByRole('timer')).toBeVisible()
  await expect(take).not.toHaveAttribute('aria-disabled', 'true')
  await expect(panel.getByRole('timer')).toBeHidden()
  // The gateway thinks so, too.
  await reaches(customer, await begin(customer, 'createSnapshot', { volumeId: customer.volume.id, name: 'the-next' }), 'COMPLETED')
})
