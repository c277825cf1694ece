/** Requests that do not arrive, answers that do not come, and a gateway that dies at work. */

import { loseAnswer } from './faults.ts'
import { expect, expectAccessible, limitBackups, makeVolume, test } from './fixtures.ts'
import { beginSlowBackup, cancel, reaches } from './platform.ts'

test.afterEach(async ({ admin }) => limitBackups(admin, null))

const SNAPSHOTS = 'query ($id: ID!) { volume(id: $id) { snapshots(first: 9) { nodes { name status } } } }'

test('an answer that does not come in time leaves it open whether it started, and another try starts nothing twice', async ({
  panel,
  customer,
  gateway,
}) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Take a snapshot' })
  await dialog.getByLabel('Name').fill('before-upgrade')
  process.kill(gateway.pid, 'SIGSTOP')
  try {
    await dialog.getByRole('button', { name: 'Take snapshot' }).click()
    // The panel waits for half a minute.
    await expect(dialog.getByRole('alert')).toContainText('No answer in time.', { timeout: 60_000 })
    await expect(dialog.getByRole('alert')).toContainText('It may have started; the banner will show it.')
  } finally {
    process.kill(gateway.pid, 'SIGCONT')
  }
  await dialog.getByRole('button', { name: 'Try again' }).click()
  await expect(dialog).toBeHidden()
  await expect(panel.getByRole('row', { name: /before-upgrade/ })).toContainText('Available')
  const { volume } = await customer.api.ask(SNAPSHOTS, { id: customer.volume.id })
  expect(volume.snapshots.nodes).toEqual([{ name: 'before-upgrade', status: 'AVAILABLE' }])
})

test.describe('without a network', () => {
  test.use({ expectedErrors: /WebSocket connection .* failed|ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED)/ })

  test('a request that does not reach the server has started nothing, and is tried again', async ({ panel, customer, context }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
    const dialog = panel.getByRole('dialog', { name: 'Take a snapshot' })
    await dialog.getByLabel('Name').fill('before-upgrade')
    await context.setOffline(true)
    await dialog.getByRole('button', { name: 'Take snapshot' }).click()
    await expect(dialog.getByRole('alert')).toContainText('The request did not reach the server.')
    await expect(dialog.getByRole('alert')).toContainText('Nothing was started.')
    await expect(dialog.getByLabel('Name')).toHaveValue('before-upgrade')
    await context.setOffline(false)
    await dialog.getByRole('button', { name: 'Try again' }).click()
    await expect(dialog).toBeHidden()
    await expect(panel.getByRole('row', { name: /before-upgrade/ })).toContainText('Available')
  })
})

test.describe('when an answer is lost', () => {
  test.use({ expectedErrors: /ERR_CONNECTION_RESET/ })

  test('an answer that is lost on its way leaves it open whether it started, and another try starts nothing twice', async ({ panel, customer }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
    const dialog = panel.getByRole('dialog', { name: 'Take a snapshot' })
    await dialog.getByLabel('Name').fill('before-upgrade')
    await loseAnswer(panel, 'CreateSnapshot')
    await dialog.getByRole('button', { name: 'Take snapshot' }).click()
    const alert = dialog.getByRole('alert')
    await expect(alert).toContainText('The server did not answer.')
    await expect(alert).toContainText('It may have started; the banner will show it. Trying again is safe: it starts nothing twice.')
    await expect(alert).not.toContainText('Nothing was started.')
    await dialog.getByRole('button', { name: 'Try again' }).click()
    await expect(dialog).toBeHidden()
    await expect(panel.getByRole('row', { name: /before-upgrade/ })).toContainText('Available')
    const { volume } = await customer.api.ask(SNAPSHOTS, { id: customer.volume.id })
    expect(volume.snapshots.nodes).toEqual([{ name: 'before-upgrade', status: 'AVAILABLE' }])
  })

  test('after a lost answer a form that was changed is another request, and what was sent first is not repeated', async ({ panel, customer }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
    const dialog = panel.getByRole('dialog', { name: 'Take a snapshot' })
    await dialog.getByLabel('Name').fill('monday')
    await loseAnswer(panel, 'CreateSnapshot')
    await dialog.getByRole('button', { name: 'Take snapshot' }).click()
    await expect(dialog.getByRole('alert')).toContainText('The server did not answer.')
    await customer.api.until(SNAPSHOTS, { id: customer.volume.id }, (data) => data['volume'].snapshots.nodes[0]?.status === 'AVAILABLE')
    await dialog.getByLabel('Name').fill('tuesday')
    await dialog.getByRole('button', { name: 'Take snapshot' }).click()
    await expect(dialog).toBeHidden()
    await expect(panel.getByRole('row', { name: /tuesday/ })).toContainText('Available')
    const { volume } = await customer.api.ask(SNAPSHOTS, { id: customer.volume.id })
    expect(volume.snapshots.nodes.map((one: { name: string }) => one.name)).toEqual(['tuesday', 'monday'])
  })

  test('what has no key of its own is not said to be safe to repeat', async ({ panel }) => {
    await panel.goto('/api-tokens')
    await panel.getByRole('button', { name: 'Create token' }).click()
    const dialog = panel.getByRole('dialog', { name: 'Create an API token' })
    await dialog.getByLabel('Name').fill('nightly')
    await loseAnswer(panel, 'CreateApiToken')
    await panel.keyboard.press('Enter')
    await expect(dialog.getByRole('alert')).toContainText('It may have been done. Look before you try again.')
    await panel.keyboard.press('Escape')
    await panel.reload()
    await expect(panel.getByRole('row', { name: /nightly/ })).toBeVisible()
  })

  test('a volume whose answer was lost is there on another try', async ({ panel, customer }) => {
    // A link that never begins to work: one that does has the page ask again by itself, and the button is gone.
    await panel.routeWebSocket('**/graphql/ws', () => {})
    await loseAnswer(panel, 'Volume')
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('The server does not answer. Your volumes and their data are not affected.')).toBeVisible()
    await panel.getByRole('button', { name: 'Try again' }).click()
    await expect(panel.getByRole('heading', { level: 1, name: customer.volume.name })).toBeVisible()
  })
})

test.describe('over a crash of the gateway', () => {
  test.use({ expectedErrors: /WebSocket connection .* failed|ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|PartMissing/ })

  test('a backup outlives a crash of the gateway, and the page follows it to its end', async ({ panel, customer, gateway, admin }) => {
    const operation = await beginSlowBackup(gateway, admin, customer)
    await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
    const banner = panel.getByRole('region', { name: 'Current operation' })
    await expect(banner.getByRole('progressbar')).toBeVisible()
    // This holds for what begins from now on, as the second attempt does.
    await limitBackups(admin, null)
    await gateway.kill()
    await expect(banner.getByText(/^Connection lost\./)).toBeVisible()
    await gateway.run()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
    await reaches(customer, operation, 'COMPLETED')
    await expect(banner.getByText('Backup created', { exact: true })).toBeVisible()
    await expect(panel.getByRole('row', { name: /weekly/ })).toContainText('Available')
  })

  test('one that lost its agent says which attempt it is', async ({ panel, customer, gateway, admin }) => {
    const operation = await beginSlowBackup(gateway, admin, customer)
    await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
    const banner = panel.getByRole('region', { name: 'Current operation' })
    await expect(banner.getByText(/MiB of/)).toBeVisible()
    await gateway.kill()
    await gateway.run()
    await expect(banner.getByText(/Attempt 2 of 3: its agent was lost before\./)).toBeVisible()
    await cancel(customer, operation)
    await expect(banner.getByText('Backup cancelled', { exact: true })).toBeVisible()
  })

  test('a page that was not opened before says that the server does not answer, and is there on another try', async ({ panel, customer, gateway }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('No snapshots yet')).toBeVisible()
    await gateway.kill()
    await panel.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'API tokens' }).click()
    await expect(panel.getByRole('heading', { level: 1, name: 'This page could not be loaded' })).toBeAttached()
    await expect(panel.getByText('The server does not answer. Your volumes and their data are not affected.')).toBeVisible()
    await expectAccessible(panel)
    // Around it all is there, and so is another try, as often as one likes.
    await expect(panel.getByRole('button', { name: `account of ${customer.email}` })).toBeVisible()
    const again = panel.getByRole('button', { name: 'Try again' })
    await again.click()
    await expect(again).not.toHaveAttribute('aria-disabled', 'true')
    await expect(panel.getByText('The server does not answer.')).toBeVisible()
    await gateway.run()
    await again.click()
    await expect(panel.getByRole('heading', { level: 1, name: 'API tokens' })).toBeVisible()
    await expect(panel).toHaveURL(/\/api-tokens$/)
    await expect(panel.getByText('No API tokens yet')).toBeVisible()
  })

  test('a volume that cannot be loaded says so, and is there when the server is back', async ({ panel, customer, gateway }) => {
    const other = await makeVolume(customer.api, 'reports')
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('No snapshots yet')).toBeVisible()
    await panel.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Volumes' }).click()
    await expect(panel.getByRole('link', { name: other.name })).toBeVisible()
    await gateway.kill()
    await panel.getByRole('link', { name: other.name }).click()
    await expect(panel.getByText('The server does not answer. Your volumes and their data are not affected.')).toBeVisible()
    await gateway.run()
    await expect(panel.getByRole('heading', { level: 1, name: other.name })).toBeVisible()
  })
})
