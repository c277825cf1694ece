/** What is refused, how it is told, and the ways out. */

import { expect, expectAccessible, makeItem, test } from './fixtures.ts'

test('at the cap the button says why, and a deleted snapshot frees it', async ({ panel, customer }) => {
  for (const number of [1, 2, 3, 4, 5]) await makeItem(customer, 'snapshot', `snapshot-${number}`)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByText('5 of 5 snapshots')).toBeVisible()
  await expect(panel.getByText('Snapshot limit reached (5 of 5).').filter({ visible: true })).toBeVisible()
  const take = panel.getByRole('button', { name: 'Take snapshot' })
  await expect(take).toHaveAttribute('aria-disabled', 'true')
  await expect(take).toHaveAccessibleDescription(/Snapshot limit reached \(5 of 5\)/)
  await take.click({ force: true })
  await expect(panel.getByRole('dialog')).toHaveCount(0)
  await expectAccessible(panel)

  await panel.getByRole('button', { name: 'Delete snapshot-3' }).click()
  await panel.getByLabel('Type snapshot-3 to confirm').fill('snapshot-3')
  await panel.keyboard.press('Enter')
  await expect(panel.getByText('4 of 5 snapshots')).toBeVisible()
  await expect(take).not.toHaveAttribute('aria-disabled', 'true')
})

test('a running instance blocks a roll back; stopping it frees it', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await customer.api.ask('mutation ($v: ID!, $i: ID!) { attachVolume(input: { volumeId: $v, instanceId: $i }) { volume { id } } }', {
    v: customer.volume.id,
    i: customer.instance.id,
  })
  await customer.api.ask('mutation ($i: ID!) { startInstance(input: { instanceId: $i }) { instance { id } } }', { i: customer.instance.id })
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await expect(panel.getByText('orders-db-data is attached to orders-db-01, which is running.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Overwrite and roll back' })).toHaveAccessibleDescription(
    'orders-db-01 is running. Stop it, or detach the volume.',
  )
  await expectAccessible(panel)
  await panel.getByRole('button', { name: 'Stop orders-db-01…' }).click()
  await panel.getByRole('button', { name: 'Stop instance' }).click()
  await expect(panel.getByLabel('Type orders-db-data to confirm')).toBeVisible()
})
