/** API tokens: created, shown once, used, revoked. */

import { Api } from './api.ts'
import { overtake } from './faults.ts'
import { expect, expectAccessible, test } from './fixtures.ts'

test('a token is shown once, works until it is revoked, and then no longer', async ({ panel, gateway, customer }) => {
  await panel.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await panel.goto('/api-tokens')
  await panel.getByRole('button', { name: 'Create token' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Create an API token' })
  await expect(dialog.getByRole('button', { name: 'Create token' })).toHaveAccessibleDescription('Name the token first.')
  await dialog.getByLabel('Name').fill('nightly')
  await dialog.getByRole('combobox', { name: 'Ends after' }).click()
  await panel.getByRole('option', { name: '30 days' }).click()
  await dialog.getByRole('button', { name: 'Create token' }).click()

  const shown = panel.getByRole('dialog', { name: 'The token nightly' })
  const secret = String(await shown.getByLabel('Token', { exact: true }).textContent())
  await expect(shown.getByRole('button', { name: 'Copy' })).toBeFocused()
  await panel.keyboard.press('Enter')
  await expect(shown.getByRole('button', { name: 'Copied' })).toBeVisible()
  expect(await panel.evaluate(() => navigator.clipboard.readText())).toBe(secret)
  await expectAccessible(panel)
  await shown.getByRole('button', { name: 'Close' }).click()
  await expect(shown).toBeHidden()
  const row = panel.getByRole('row', { name: /nightly/ })
  const [lastUsed, ends] = [row.getByRole('cell').nth(2), row.getByRole('cell').nth(3)]
  await expect(lastUsed).toHaveText('Never')
  const end = Date.parse(String(await ends.locator('time').getAttribute('datetime')))
  expect(Math.abs(end - Date.now() - 30 * 86_400_000)).toBeLessThan(300_000)
  expect(await panel.content()).not.toContain(secret)

  const script = new Api(gateway.url, secret)
  const { viewer } = await script.ask('{ viewer { user { email } } }')
  expect(viewer.user.email).toBe(customer.email)
  await panel.reload()
  await expect(lastUsed).toHaveText('just now')
  expect(await panel.content()).not.toContain(secret)

  await row.getByRole('button', { name: 'Revoke nightly' }).click()
  await panel.getByRole('alertdialog', { name: 'Revoke nightly?' }).getByRole('button', { name: 'Revoke token' }).click()
  await expect(panel.getByText('No API tokens yet')).toBeVisible()
  await expect(script.ask('{ viewer { user { email } } }')).rejects.toThrow('UNAUTHENTICATED')
})

test('a token that the browser does not let be copied is selected, and said to be', async ({ panel }) => {
  await panel.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined })
    document.execCommand = () => false
  })
  await panel.goto('/api-tokens')
  await panel.getByRole('button', { name: 'Create token' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Create an API token' })
  await dialog.getByLabel('Name').fill('by hand')
  await dialog.getByRole('button', { name: 'Create token' }).click()
  const shown = panel.getByRole('dialog', { name: 'The token by hand' })
  await shown.getByRole('button', { name: 'Copy' }).click()
  await expect(shown.getByRole('status')).toHaveText(/copy it by hand/)
  const secret = await shown.getByLabel('Token', { exact: true }).textContent()
  expect(await panel.evaluate(() => String(getSelection()))).toBe(secret)
  await expectAccessible(panel)
})

test('a dialog that waits for a token is not closed before it has shown it', async ({ panel }) => {
  const dialog = panel.getByRole('dialog', { name: 'Create an API token' })
  await overtake(panel, 'CreateApiToken', async () => {
    await panel.keyboard.press('Escape')
    await panel.mouse.click(5, 5)
    const cancel = dialog.getByRole('button', { name: 'Cancel' })
    await expect(cancel).toHaveAccessibleDescription('It waits for what is shown once.')
    await cancel.click({ force: true })
    await expect(dialog).toBeVisible()
  })
  await panel.goto('/api-tokens')
  await panel.getByRole('button', { name: 'Create token' }).click()
  await dialog.getByLabel('Name').fill('slow')
  await panel.keyboard.press('Enter')
  const shown = panel.getByRole('dialog', { name: 'The token slow' })
  await expect(shown.getByLabel('Token', { exact: true })).toHaveText(/^tidemark_/)
  await shown.getByRole('button', { name: 'Close' }).click()
  await expect(shown).toBeHidden()
})
