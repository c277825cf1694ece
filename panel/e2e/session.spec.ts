/** Signing in and out, and what happens when the session ends. */

import { expect, expectAccessible, makeItem, signIn, test, watchConsole } from './fixtures.ts'

test('whoever is signed out signs in and gets where they wanted', async ({ page, customer }) => {
  const errors = watchConsole(page)
  await signIn(page, customer, `/volumes/${customer.volume.id}?tab=backups`)
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeVisible()
  await expect(page.getByRole('tab', { name: /^Backups/ })).toHaveAttribute('aria-selected', 'true')
  await expect(page).toHaveTitle('orders-db-data · Volumes · Tidemark')
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
  expect(errors).toEqual([])
})

test('a wrong password is refused in the words of the API', async ({ page, customer }) => {
  await page.goto('/')
  await page.getByLabel('Email').fill(customer.email)
  await page.getByLabel('Password').fill('a wrong password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.getByLabel('Password')).toBeFocused()
  await expectAccessible(page)
})

test('no script can read the session, and nothing of it is stored', async ({ panel }) => {
  await panel.goto('/')
  await expect(panel.getByRole('heading', { level: 1, name: 'Volumes' })).toBeVisible()
  const seen = await panel.evaluate(() => ({ cookie: document.cookie, local: { ...localStorage }, session: { ...sessionStorage } }))
  expect(seen.cookie).toBe('')
  expect(JSON.stringify(seen)).not.toMatch(/tidemark_|token|bearer/i)
})

test('signing out ends the session', async ({ panel, customer }) => {
  await panel.goto('/')
  await panel.getByRole('button', { name: `account of ${customer.email}` }).click()
  await panel.getByRole('button', { name: 'Sign out' }).click()
  await expect(panel.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await panel.goto('/volumes')
  await expect(panel.getByRole('heading', { name: 'Sign in' })).toBeVisible()
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
  await expectAccessible(panel)
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
  // Nothing that the page asks by itself is still under way: what asks is the tab.
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await panel.waitForLoadState('networkidle')
  await panel.context().clearCookies()
  await panel.getByRole('tab', { name: 'Activity' }).click()
  const dialog = panel.getByRole('dialog', { name: 'You are signed out' })
  await expect(dialog).toBeVisible()
  await expect(panel).toHaveURL(/tab=activity/)
  await panel.keyboard.type(customer.password)
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel.getByRole('table', { name: 'Operations' })).toBeVisible()
})
