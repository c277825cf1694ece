/** Signing in and out, and what happens when the session ends. */

import { overtake } from './faults.ts'
import { expect, expectAccessibleEverywhere, makeItem, signIn, test } from './fixtures.ts'

test('whoever is signed out signs in and gets where they wanted', async ({ page, customer }) => {
  await signIn(page, customer, `/volumes/${customer.volume.id}?tab=backups`)
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeVisible()
  await expect(page.getByRole('tab', { name: /^Backups/ })).toHaveAttribute('aria-selected', 'true')
  await expect(page).toHaveTitle('orders-db-data · Volumes · Tidemark')
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
})

test('a wrong password is refused in the words of the API', async ({ page, customer }) => {
  await page.goto('/')
  await page.getByLabel('Email').fill(customer.email)
  await page.getByLabel('Password').fill('a wrong password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toHaveText('Email or password is wrong.')
  await expect(page.getByLabel('Password')).toBeFocused()
  await expectAccessibleEverywhere(page)
})

test('no script can read the session, nothing of it is stored, and signing out ends it', async ({ page, customer, context }) => {
  await signIn(page, customer)
  await page.getByRole('link', { name: customer.volume.name }).click()
  await page.getByRole('button', { name: 'Take the first snapshot' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take snapshot' }).click()
  await page.getByRole('region', { name: 'Current operation' }).getByRole('button', { name: 'Dismiss' }).click()
  await page.getByRole('link', { name: 'API tokens' }).click()
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByLabel('Name').fill('nightly')
  await page.keyboard.press('Enter')
  const secret = String(await page.getByLabel('Token', { exact: true }).textContent())
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await expect(page.getByRole('row', { name: /nightly/ })).toBeVisible()

  const cookies = await context.cookies()
  expect(cookies.map(({ name }) => name).toSorted()).toEqual(['tidemark_device', 'tidemark_session'])
  for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
  const seen = await page.evaluate(() => ({ cookie: document.cookie, local: { ...localStorage }, session: { ...sessionStorage } }))
  expect(seen.cookie).toBe('')
  expect(seen.local).toEqual({})
  expect(Object.keys(seen.session)).toEqual(['dismissed-operation'])
  for (const hidden of [...cookies.map(({ value }) => value), secret, customer.password]) expect(JSON.stringify(seen)).not.toContain(hidden)

  await page.getByRole('button', { name: `account of ${customer.email}` }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  // That its user signed in with this browser is remembered, and opens nothing.
  expect((await context.cookies()).map(({ name }) => name)).toEqual(['tidemark_device'])
  // Whoever kept the cookie has nothing of it.
  await context.addCookies(cookies)
  await page.goto('/volumes')
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('a session that ended elsewhere asks for the password over the page', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}?tab=activity`)
  const operations = panel.getByRole('table', { name: 'Operations' })
  await expect(operations).toBeVisible()
  await panel.context().clearCookies()
  // What happens elsewhere makes the page ask again.
  await makeItem(customer, 'snapshot', 'meanwhile')
  const dialog = panel.getByRole('dialog', { name: 'You are signed out' })
  await expect(dialog).toBeVisible()
  await expectAccessibleEverywhere(panel)
  await expect(dialog.getByLabel('Password')).toBeFocused()
  await panel.keyboard.type(customer.password)
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel).toHaveURL(/tab=activity/)
  await expect(operations.getByRole('row', { name: /meanwhile/ })).toBeVisible()
})

test('a tab that is opened after the session ended asks for the password and then shows itself', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeVisible()
  // What asks first without a session is the tab.
  await overtake(panel, 'Activity', () => panel.context().clearCookies())
  await panel.getByRole('tab', { name: 'Activity' }).click()
  const dialog = panel.getByRole('dialog', { name: 'You are signed out' })
  await expect(dialog).toBeVisible()
  await expect(panel).toHaveURL(/tab=activity/)
  await expect(dialog.getByLabel('Password')).toBeFocused()
  await panel.keyboard.type(customer.password)
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel.getByRole('table', { name: 'Operations' })).toBeVisible()
})
