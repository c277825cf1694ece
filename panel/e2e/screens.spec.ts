/** Every screen of a customer, in both themes and from the narrowest to the widest window. */

import { expect, expectAccessibleEverywhere, makeItem, test } from './fixtures.ts'

test('all screens are accessible', async ({ panel, customer }) => {
  test.setTimeout(600_000)
  await makeItem(customer, 'snapshot', 'before-black-friday')
  await makeItem(customer, 'backup', 'weekly')
  await customer.api.ask('mutation { createApiToken(input: { name: "nightly" }) { secret } }')
  const volume = `/volumes/${customer.volume.id}`
  const screens: [path: string, ready: string][] = [
    ['/volumes', 'orders-db-data'],
    ['/volumes?q=nothing', 'No volume fits'],
    [volume, 'before-black-friday'],
    [`${volume}?tab=backups`, 'weekly'],
    [`${volume}?tab=activity`, 'Create backup'],
    [`${volume}?tab=settings`, 'Delete this volume'],
    ['/backups', 'weekly'],
    ['/instances', 'orders-db-01'],
    ['/usage', 'By day'],
    ['/api-tokens', 'nightly'],
    ['/security', 'This browser'],
    ['/volumes/018f0000-0000-7000-8000-000000000000', 'There is no such volume'],
    ['/nowhere', 'There is no such page'],
  ]
  for (const [path, ready] of screens) {
    await panel.goto(path)
    await expect(panel.getByRole('main').getByText(ready).first()).toBeVisible()
    await expectAccessibleEverywhere(panel)
  }
})
