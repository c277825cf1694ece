/** Plans: created and changed, with what a lower cap means. */

import { expect, expectAccessible, expectAccessibleEverywhere, fresh, makeItem, makeVolume, test } from './fixtures.ts'

test('a plan is created, changed, and no longer offered', async ({ desk, customer }) => {
  const name = fresh('NVMe')
  await desk.goto('/plans')
  await desk.getByRole('button', { name: 'Create plan' }).click()
  const dialog = desk.getByRole('dialog', { name: 'Create a plan' })
  await expect(dialog.getByLabel('Max snapshots')).toHaveValue('5')
  await expect(dialog.getByLabel('Max backups')).toHaveValue('10')
  await expect(dialog.getByText('Free within the limit.')).toHaveCount(2)
  await dialog.getByLabel('Name').fill(name)
  await dialog.getByLabel('Size').fill('40')
  await dialog.getByLabel('Max snapshots').fill('many')
  await expect(dialog.getByText('A whole number, at most 1000. 0 allows none.')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Create plan' })).toHaveAccessibleDescription('Caps and credits are numbers, the deadline hours and minutes.')
  await dialog.getByLabel('Max snapshots').fill('3')
  await dialog.getByLabel('Snapshot credits').fill('0.05')
  await expectAccessible(desk)
  await desk.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  const row = desk.getByRole('row', { name: new RegExp(name) })
  await expect(row).toContainText('40 GiB · QCOW2 file')
  await expect(row).toContainText('Up to 3')
  await expect(row).toContainText('0.05 cr per GiB')

  await row.getByRole('link', { name }).click()
  await expect(desk.getByText('0 volumes use this plan')).toBeVisible()
  const save = desk.getByRole('button', { name: 'Save plan' })
  await expect(save).toHaveAccessibleDescription('Nothing has changed.')
  await desk.getByLabel('Max backups').fill('20')
  await desk.getByRole('checkbox', { name: 'Offer it' }).click()
  await save.click()
  await expect(desk.getByText('Saved')).toBeVisible()
  await expect(desk.getByText('Disabled')).toBeVisible()
  const { volumePlans } = await customer.api.ask('{ volumePlans { name } }')
  expect(volumePlans.map((plan: { name: string }) => plan.name)).not.toContain(name)
})

test('lowering a cap says who holds more, and deletes nothing', async ({ desk, customer, admin }) => {
  const input = { name: fresh('Thrifty'), sizeBytes: 2 ** 30, storageType: 'QCOW2_FILE' }
  const { createVolumePlan } = await admin.ask('mutation ($input: CreateVolumePlanInput!) { createVolumePlan(input: $input) { plan { id } } }', { input })
  const volume = await makeVolume(customer.api, 'orders-db-log', input.name)
  for (const name of ['one', 'two', 'three']) await makeItem({ ...customer, volume }, 'snapshot', name)
  await desk.goto(`/plans/${createVolumePlan.plan.id}`)
  await expect(desk.getByText('1 volume uses this plan')).toBeVisible()
  await desk.getByLabel('Max snapshots').fill('2')
  await expect(desk.getByText('1 volume already holds more than 2. It keeps them, but can’t add.')).toBeVisible()
  await expectAccessibleEverywhere(desk)
  await desk.getByRole('button', { name: 'Save plan' }).click()
  await expect(desk.getByText('Saved')).toBeVisible()
  const told = await customer.api.ask('query ($id: ID!) { volume(id: $id) { usage { snapshots maxSnapshots } actions { createSnapshot { blockers { code } } } } }', {
    id: volume.id,
  })
  expect(told['volume']).toEqual({ usage: { snapshots: 3, maxSnapshots: 2 }, actions: { createSnapshot: { blockers: [{ code: 'SNAPSHOT_LIMIT_REACHED' }] } } })
})
