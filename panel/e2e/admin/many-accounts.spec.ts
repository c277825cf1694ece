/** More accounts than the API gives at once. */

import { expect, expectAccessibleEverywhere, test } from './fixtures.ts'

test.use({ aloneFor: 'many accounts' })

test('each of many accounts is found by typing, the oldest too', async ({ desk, admin }) => {
  const create = 'mutation ($name: String!) { createAccount(input: { name: $name }) { account { id } } }'
  const { createAccount } = await admin.ask(create, { name: 'Zephyr Freight' })
  for (let number = 1; number <= 120; number += 1) await admin.ask(create, { name: `Harbour Books ${number}` })

  await desk.goto('/queue')
  const filter = desk.getByRole('combobox', { name: 'Account', exact: true })
  await filter.click()
  await desk.keyboard.type('zephyr')
  await expect(desk.getByRole('option')).toHaveText(['Zephyr Freight'])
  await expectAccessibleEverywhere(desk)
  await desk.keyboard.press('Enter')
  await expect(desk).toHaveURL(`/queue?account=${createAccount.account.id}`)
  await expect(filter).toHaveText('AccountZephyr Freight')
  await expect(desk.getByRole('heading', { name: 'No operation fits' })).toBeVisible()
  await expect(filter).toBeFocused()

  // The address alone tells it, too; and what fits nothing is said.
  await desk.reload()
  await expect(filter).toHaveText('AccountZephyr Freight')
  await filter.click()
  await desk.keyboard.type('nobody')
  await expect(desk.getByText('Nothing fits.')).toBeVisible()
  await desk.keyboard.press('Escape')
  await filter.click()
  await desk.getByRole('option', { name: 'Any' }).click()
  await expect(desk).toHaveURL(/\/queue$/)

  // What is typed while the browser has yet to draw the list is searched for, too.
  await desk.evaluate(() => {
    window.requestAnimationFrame = () => 0
  })
  await filter.click()
  await desk.keyboard.type('zephyr')
  await expect(desk.getByRole('option')).toHaveText(['Zephyr Freight'])

  await desk.goto('/instances')
  await desk.getByRole('button', { name: 'Create instance' }).click()
  await desk.getByRole('combobox', { name: 'Owner' }).click()
  await expect(desk.getByRole('option', { name: 'Zephyr Freight' })).toBeAttached()
  await expect(desk.getByRole('option', { name: /^Harbour Books \d+$/ })).toHaveCount(120)
})
