/** Usage: what a month cost, by day, by kind and by volume, the months before, and its lines as a file. */

import { expect, expectAccessibleEverywhere, makeItem, makeVolume, test } from './fixtures.ts'
import { pass } from './platform.ts'

test.use({ aloneFor: 'usage' })

const DAY = 86_400

test('a customer sees what the month costs, and the months before', async ({ panel, customer, gateway, admin }) => {
  test.setTimeout(180_000)
  // A GiB costs 0.01 credits an hour.
  const input = { name: 'Priced', sizeBytes: 2 ** 30, storageType: 'QCOW2_FILE', snapshotCreditValue: '0.05', backupCreditValue: '7.3' }
  await admin.ask('mutation ($input: CreateVolumePlanInput!) { createVolumePlan(input: $input) { plan { id } } }', { input })
  const volume = await makeVolume(customer.api, 'ledger-data', 'Priced')
  await makeItem({ ...customer, volume }, 'backup', 'weekly')
  await panel.goto('/usage')
  await expect(panel.getByRole('heading', { level: 1, name: 'Usage' })).toBeVisible()
  await expect(panel.getByText('Nothing was used.').first()).toBeVisible()

  await pass(gateway, 70 * DAY)
  await panel.reload()
  const kinds = panel.getByRole('table', { name: 'By kind' })
  await expect(kinds.getByRole('row', { name: /Backups/ })).toContainText(/\d\.\d\d cr/)
  await expect(panel.getByRole('table', { name: 'By volume' }).getByRole('row', { name: /ledger-data/ })).toContainText('GiB-h')
  await expectAccessibleEverywhere(panel)

  // The month before this one is whole: 24 hours of each day, and one number a day beside the drawing.
  const months = panel.getByRole('table', { name: 'Months' })
  await months.getByRole('link').nth(1).click()
  await expect(panel).toHaveURL(/month=\d{4}-\d{2}/)
  const month = new URL(panel.url()).searchParams.get('month') ?? ''
  const first = new Date(`${month}-01T00:00:00Z`)
  const next = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1))
  const days = (next.getTime() - first.getTime()) / (DAY * 1000)
  const total = `${(days * 0.24).toFixed(2)} cr`
  await expect(panel.locator('dd').first()).toHaveText(total)
  const numbers = panel.getByRole('region', { name: 'By day: numbers' })
  await expect(numbers.getByRole('row')).toHaveCount(days + 1)
  await expect(numbers.getByRole('cell').first()).toHaveText('0.24 cr')
  await expectAccessibleEverywhere(panel)

  // Its lines, as a file.
  const text = await panel.getByRole('link', { name: 'Export CSV' }).evaluate(async (link) => (await fetch((link as HTMLAnchorElement).href)).text())
  const lines = text.trimEnd().split('\r\n')
  expect(lines[0]).toContain('x_ByteHours')
  expect(lines).toHaveLength(2)
  expect(lines[1]).toContain('ledger-data')

  await panel.goto(`/volumes/${volume.id}?tab=backups`)
  await expect(panel.getByRole('row', { name: /weekly/ })).toContainText(/\d\.\d\d cr so far/)
})

test('a month that has not begun is that of now', async ({ panel }) => {
  await panel.goto('/usage?month=2999-01')
  await expect(panel.getByText(/so far$/)).toBeVisible()
})
