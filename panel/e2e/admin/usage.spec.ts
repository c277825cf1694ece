/** Usage of all accounts, the dearest first, that of one, and what other prices of a plan would mean. */

import { pass } from '../platform.ts'

import { expect, expectAccessible, expectAccessibleEverywhere, fresh, makeItem, makeVolume, test } from './fixtures.ts'

test.use({ aloneFor: 'usage of all' })

const DAY = 86_400

test('an administrator goes from all accounts to one, and sees what other prices would have meant', async ({ desk, customer, gateway, admin }) => {
  test.setTimeout(180_000)
  const name = fresh('Priced')
  const input = { name, sizeBytes: 2 ** 30, storageType: 'QCOW2_FILE', snapshotCreditValue: '0.05', backupCreditValue: '7.3' }
  const { createVolumePlan } = await admin.ask('mutation ($input: CreateVolumePlanInput!) { createVolumePlan(input: $input) { plan { id } } }', { input })
  const volume = await makeVolume(customer.api, 'ledger-data', name)
  await makeItem({ ...customer, volume }, 'backup', 'weekly')
  await pass(gateway, 70 * DAY)

  await desk.goto('/usage')
  const accounts = desk.getByRole('table', { name: 'By account' })
  await expect(accounts.getByRole('row').nth(1)).toContainText(/\d\.\d\d cr/)
  await expectAccessibleEverywhere(desk)
  await accounts.getByRole('link').first().click()
  await expect(desk).toHaveURL(`/usage/${customer.accountId}`)
  await expect(desk.getByRole('table', { name: 'By volume' }).getByRole('row', { name: /ledger-data/ })).toBeVisible()
  await expect(desk.getByRole('link', { name: 'Export CSV' })).toHaveAttribute('href', new RegExp(`accountId=${customer.accountId}`))
  await expectAccessibleEverywhere(desk)
  await desk.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Usage' }).click()
  await expect(desk).toHaveURL(/\/usage$/)

  // 30 days of a GiB at 0.01 credits an hour.
  await desk.goto(`/plans/${createVolumePlan.plan.id}`)
  const price = desk.getByLabel('Backup credits')
  for (const [value, words] of [
    ['-1', 'A price is never below 0.'],
    ['0.0000000000001', 'At most 12 digits on each side of the point.'],
    ['1000000000000', 'At most 12 digits on each side of the point.'],
  ] as const) {
    await price.fill(value)
    await expect(desk.getByText(words)).toBeVisible()
    await expect(desk.getByRole('button', { name: 'Save plan' })).toHaveAttribute('aria-disabled', 'true')
  }
  await expectAccessible(desk)
  await price.fill('14.6')
  await expect(desk.getByText('Backups: 14.40 cr instead of 7.20 cr.')).toBeVisible()
  await expectAccessibleEverywhere(desk)
  await desk.getByRole('button', { name: 'Save plan' }).click()
  await expect(desk.getByText('Saved')).toBeVisible()
  const prices = desk.getByRole('table', { name: 'Prices' })
  await expect(prices.getByRole('row', { name: /14\.6 cr per GiB/ })).toContainText('To come')
  await expect(prices.getByRole('row', { name: /7\.3 cr per GiB/ })).toContainText('Now')
})
