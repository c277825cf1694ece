/** Who signs in, with what, and how that ends: by the users themselves, and by administrators. */

import { Api } from '../api.ts'

import { anotherBrowser, expect, expectAccessible, fresh, signIn, test } from './fixtures.ts'

const WHO = '{ viewer { user { email } } }'

test('users see their sessions, end one, and by another password all others', async ({ panel, customer, context, baseURL }) => {
  const other = await anotherBrowser(context, customer, String(baseURL))
  await other.goto('/volumes')
  await expect(other.getByText('Live', { exact: true })).toBeVisible()
  await panel.goto('/volumes')
  await panel.getByRole('button', { name: `account of ${customer.email}` }).click()
  await panel.getByRole('dialog', { name: 'Account' }).getByRole('link', { name: 'Security' }).click()
  await expect(panel.getByRole('heading', { level: 1, name: 'Security' })).toBeVisible()
  // This one, the other's, and the program's that prepared the journey.
  const rows = panel.getByRole('table', { name: 'Sessions' }).getByRole('row').filter({ has: panel.getByRole('cell') })
  await expect(rows).toHaveCount(3)
  await expect(rows.filter({ hasText: 'This browser' })).toHaveCount(1)
  await expect(rows.filter({ hasText: 'This browser' }).getByRole('button')).toHaveCount(0)
  await expectAccessible(panel)

  // The newest of the others.
  await rows.filter({ hasText: 'Another sign-in' }).first().getByRole('button', { name: /^End the session of / }).click()
  await panel.getByRole('alertdialog', { name: 'End this session?' }).getByRole('button', { name: 'End session' }).click()
  await expect(rows).toHaveCount(2)

  await panel.getByRole('button', { name: 'Change password…' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Change your password' })
  const change = dialog.getByRole('button', { name: 'Change password' })
  await expect(change).toHaveAccessibleDescription('Type your current password first.')
  await dialog.getByLabel('Current password').fill('not the password')
  await dialog.getByLabel('New password', { exact: true }).fill('short')
  await expect(change).toHaveAccessibleDescription('The password has at least 12 characters.')
  await dialog.getByLabel('New password', { exact: true }).fill('another long password')
  await dialog.getByLabel('New password again').fill('another long passwort')
  await expect(dialog.getByText('The two differ.')).toBeVisible()
  await dialog.getByLabel('New password again').fill('another long password')
  await panel.keyboard.press('Enter')
  await expect(dialog.getByRole('alert')).toBeVisible()
  await expect(dialog.getByLabel('New password', { exact: true })).toHaveValue('another long password')
  await dialog.getByLabel('Current password').fill(customer.password)
  await panel.keyboard.press('Enter')
  await expect(panel.getByRole('region', { name: 'Notifications' })).toContainText('Your password is changed')
  await expect(dialog).toBeHidden()
  await expect(rows).toHaveCount(1)
  await expect(customer.api.ask(WHO)).rejects.toThrow('UNAUTHENTICATED')
  await other.context().close()

  const page = await (await context.browser()?.newContext({ baseURL }))?.newPage()
  if (!page) throw new Error('there is no browser')
  await signIn(page, { email: customer.email, password: 'another long password' })
  await page.context().close()
})

test('a read-only token reads, and changes nothing', async ({ panel, gateway }) => {
  await panel.goto('/api-tokens')
  await panel.getByRole('button', { name: 'Create token' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Create an API token' })
  await dialog.getByLabel('Name').fill('monitoring')
  await expect(dialog.getByRole('radio', { name: 'Full' })).toBeChecked()
  await dialog.getByRole('radio', { name: 'Read only' }).click()
  await dialog.getByRole('button', { name: 'Create token' }).click()
  const secret = String(await panel.getByRole('dialog', { name: 'The token monitoring' }).getByLabel('Token', { exact: true }).textContent())
  await panel.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await expect(panel.getByRole('row', { name: /monitoring/ })).toContainText('Read only')
  const script = new Api(gateway.url, secret)
  await script.ask(WHO)
  await expect(script.ask('mutation { createApiToken(input: { name: "more" }) { secret } }')).rejects.toThrow('FORBIDDEN')
})

test('an administrator disables, enables, changes and deletes a user', async ({ desk, customer, context, baseURL }) => {
  const theirs = await anotherBrowser(context, customer, String(baseURL))
  await theirs.goto('/volumes')
  await expect(theirs.getByRole('link', { name: customer.volume.name })).toBeVisible()
  await desk.goto(`/accounts/${customer.accountId}`)
  const row = (email: string) => desk.getByRole('row', { name: new RegExp(email) })
  const act = async (email: string, action: string) => {
    await row(email).getByRole('button', { name: `Actions for ${email}` }).click()
    await desk.getByRole('group', { name: `Actions for ${email}` }).getByRole('button', { name: action }).click()
  }

  await act(customer.email, 'Disable…')
  await desk.getByRole('alertdialog', { name: `Disable ${customer.email}?` }).getByRole('button', { name: 'Disable user' }).click()
  await expect(row(customer.email)).toContainText('Disabled')
  await expect(desk.getByRole('button', { name: `Actions for ${customer.email}` })).toBeFocused()
  await expect(customer.api.ask(WHO)).rejects.toThrow('UNAUTHENTICATED')
  await theirs.reload()
  await expect(theirs.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await act(customer.email, 'Enable…')
  await desk.getByRole('button', { name: 'Enable user' }).click()
  await expect(row(customer.email)).toContainText('Enabled')

  await act(customer.email, 'Set password…')
  await desk.getByLabel('New password').fill('a password from the desk')
  await desk.keyboard.press('Enter')
  await expect(desk.getByRole('dialog')).toHaveCount(0)
  const email = `${fresh('renamed')}@northwind.example`
  await act(customer.email, 'Change…')
  await desk.getByLabel('Email').fill(email)
  await desk.keyboard.press('Enter')
  await expect(row(email)).toContainText('User')
  await signIn(theirs, { email, password: 'a password from the desk' })
  await theirs.context().close()

  await act(email, 'End sessions…')
  await desk.getByRole('alertdialog').getByRole('button', { name: 'End sessions' }).click()
  await expect(desk.getByRole('region', { name: 'Notifications' })).toContainText('1 session ended')
  await act(email, 'Delete…')
  await desk.getByLabel(`Type ${email} to confirm`).fill(email)
  await desk.keyboard.press('Enter')
  await expect(desk.getByText('Nobody can sign in to this account yet.')).toBeVisible()
})

test('nobody disables or deletes themselves', async ({ desk, gateway, admin }) => {
  const { email } = await gateway.administrator()
  const { viewer } = await admin.ask('{ viewer { account { id } } }')
  await desk.goto(`/accounts/${viewer.account.id}`)
  await desk.getByRole('button', { name: `Actions for ${email}` }).click()
  const actions = desk.getByRole('group', { name: `Actions for ${email}` })
  for (const name of ['Disable…', 'Delete…']) {
    const action = actions.getByRole('button', { name })
    await expect(action).toHaveAttribute('aria-disabled', 'true')
    await expect(action).toHaveAccessibleDescription('It is you.')
  }
  await expectAccessible(desk)
  await desk.keyboard.press('Escape')
  await expect(actions).toBeHidden()
  await expect(desk.getByRole('button', { name: `Actions for ${email}` })).toBeFocused()
})

test('an agent’s token is revoked, and a new one is shown once', async ({ desk, gateway, admin }) => {
  const { createHypervisorGroup } = await admin.ask('mutation ($name: String!) { createHypervisorGroup(input: { name: $name }) { hypervisorGroup { id } } }', { name: fresh('Somewhere') })
  const { createHypervisor } = await admin.ask('mutation ($input: CreateHypervisorInput!) { createHypervisor(input: $input) { enrolmentToken hypervisor { id name } } }', {
    input: { hypervisorGroupId: createHypervisorGroup.hypervisorGroup.id, name: fresh('vm-host') },
  })
  const { id, name } = createHypervisor.hypervisor
  const hello = (token: string) =>
    new Api(gateway.url, token).ask('mutation ($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorId } }', {
      input: { version: '0.0.1', stateId: '0190a0a0-0000-7000-8000-00000000a9e2', capabilities: [] },
    })
  await hello(createHypervisor.enrolmentToken)
  await desk.goto(`/hypervisors/${id}`)
  await desk.getByRole('button', { name: 'Revoke…' }).click()
  await desk.getByRole('alertdialog', { name: `Revoke the agent’s token of ${name}?` }).getByRole('button', { name: 'Revoke token' }).click()
  await expect(desk.getByRole('alertdialog')).toHaveCount(0)
  await expect(hello(createHypervisor.enrolmentToken)).rejects.toThrow('UNAUTHENTICATED')

  await desk.getByRole('button', { name: 'Make a token…' }).click()
  await desk.getByRole('dialog').getByRole('button', { name: 'Make a token' }).click()
  const shown = desk.getByRole('dialog', { name: `The enrolment token of ${name}` })
  const token = String(await shown.getByLabel('Enrolment token').textContent())
  await shown.getByRole('button', { name: 'Close' }).click()
  await expect(shown).toBeHidden()
  expect(await desk.content()).not.toContain(token)
  await hello(token)
})
