/** Accounts and users, and what an administrator sees of customers on the shared screens. */

import { expect, expectAccessible, fresh, makeItem, platform, signIn, test } from './fixtures.ts'

test('an account and a user are created, and that user signs in', async ({ desk, browser, baseURL }) => {
  const [name, email, password] = [fresh('Northwind'), `${fresh('ops')}@northwind.example`, 'a long enough password']
  await desk.goto('/accounts')
  await desk.getByRole('button', { name: 'Create account' }).click()
  await desk.getByLabel('Name').fill(name)
  await expectAccessible(desk)
  await desk.keyboard.press('Enter')
  await expect(desk.getByRole('heading', { level: 1, name })).toBeVisible()
  await expect(desk.getByText('Nobody can sign in to this account yet.')).toBeVisible()
  await expect(desk.getByText('0 of 3 operations')).toBeVisible()

  await desk.getByRole('button', { name: 'Create user…' }).click()
  const dialog = desk.getByRole('dialog', { name: `Create a user of ${name}` })
  await dialog.getByLabel('Email').fill(email)
  await dialog.getByLabel('Password').fill('short')
  await expect(dialog.getByRole('button', { name: 'Create user' })).toHaveAccessibleDescription('The password has at least 12 characters.')
  await dialog.getByLabel('Password').fill(password)
  await expect(dialog.getByRole('radio', { name: 'User' })).toBeChecked()
  await expectAccessible(desk)
  await dialog.getByRole('button', { name: 'Create user' }).click()
  await expect(dialog).toBeHidden()
  await expect(desk.getByRole('row', { name: new RegExp(email) })).toContainText('User')

  const context = await browser.newContext({ baseURL })
  const page = await context.newPage()
  await signIn(page, { email, password })
  await expect(page.getByRole('heading', { name: 'No volumes yet' })).toBeVisible()
  // It is a customer: what is for administrators is not there.
  await expect(page.getByRole('link', { name: 'Hypervisors' })).toHaveCount(0)
  await page.goto('/hypervisors')
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible()
  await context.close()

  await desk.getByRole('button', { name: 'Create user…' }).click()
  await dialog.getByLabel('Email').fill(email)
  await dialog.getByLabel('Password').fill(password)
  await dialog.getByRole('button', { name: 'Create user' }).click()
  await expect(dialog.getByLabel('Email')).toHaveAccessibleDescription('There is a user with this email already.')
})

test('shared screens tell an administrator the owner and the hypervisor, and narrow to an account', async ({ desk, customer, admin }) => {
  const { hypervisor } = await platform(admin)
  const { viewer } = await customer.api.ask('{ viewer { account { name } } }')
  const owner: string = viewer.account.name
  await makeItem(customer, 'backup', 'weekly')
  await desk.goto(`/accounts/${customer.accountId}`)
  await desk.getByRole('link', { name: /^1 of \d+ volumes$/ }).click()
  await expect(desk.getByText('1 volume', { exact: true })).toBeVisible()
  await expect(desk.getByRole('row', { name: /orders-db-data/ })).toContainText(owner)
  await desk.getByRole('link', { name: 'orders-db-data' }).click()
  await expect(desk.getByRole('link', { name: owner })).toBeVisible()
  await expect(desk.getByRole('link', { name: hypervisor.name }).first()).toBeVisible()

  await desk.goto(`/backups?account=${customer.accountId}`)
  await expect(desk.getByText('1 backup', { exact: true })).toBeVisible()
  await expect(desk.getByRole('row', { name: /weekly/ }).getByRole('link', { name: owner })).toBeVisible()
  await desk.goto(`/instances?account=${customer.accountId}`)
  await expect(desk.getByText('1 instance', { exact: true })).toBeVisible()
  await expect(desk.getByRole('row', { name: /orders-db-01/ })).toContainText(owner)
})

test('an administrator creates an instance for an account', async ({ desk, customer }) => {
  await desk.goto(`/instances?account=${customer.accountId}`)
  await desk.getByRole('button', { name: 'Create instance' }).click()
  const dialog = desk.getByRole('dialog', { name: 'Create an instance' })
  await dialog.getByLabel('Name').fill('web-01')
  await dialog.getByLabel('Credits').fill('0.25')
  await expectAccessible(desk)
  await dialog.getByRole('button', { name: 'Create instance' }).click()
  await expect(dialog).toBeHidden()
  await expect(desk.getByRole('row', { name: /web-01/ })).toContainText('Stopped')
  const { instances } = await customer.api.ask('{ instances { nodes { name creditsPerHour } } }')
  expect(instances.nodes).toContainEqual({ name: 'web-01', creditsPerHour: '0.25' })
})
