/** An administrator does a customer’s work, on the customer’s volume. */

import { anotherBrowser, expect, test } from './fixtures.ts'

const BELONGINGS = `{
  volumes { nodes { name account { id } operations(first: 9) { nodes { kind requestedBy { email } } } } }
  backups { nodes { name account { id } } }
  instances { nodes { name status volumes { name } } }
}`

test('what an administrator does on a customer’s volume is the customer’s, and does not tell which administrator it was', async ({ desk, customer, gateway, context }) => {
  const { email } = await gateway.administrator()
  const { viewer } = await customer.api.ask('{ viewer { account { name } } }')
  const owner = desk.getByRole('main').getByRole('link', { name: viewer.account.name })
  const ended = (words: string) => desk.getByRole('region', { name: 'Current operation' }).getByText(words, { exact: true })
  const theirs = () => customer.api.ask(BELONGINGS)

  // Only instances of the volume's owner are offered.
  await desk.goto(`/volumes/${customer.volume.id}`)
  await desk.getByRole('button', { name: 'Attach…' }).click()
  await desk.getByRole('combobox', { name: 'Instance' }).click()
  await expect(desk.getByRole('option')).toHaveText([/^orders-db-01/])
  await desk.getByRole('option').click()
  await desk.getByRole('button', { name: 'Attach volume' }).click()
  await expect(desk.getByText('In use', { exact: true })).toBeVisible()
  await desk.goto(`/instances?account=${customer.accountId}`)
  const instance = desk.getByRole('row', { name: /orders-db-01/ })
  await instance.getByRole('button', { name: 'Start orders-db-01' }).click()
  await expect(instance).toContainText('Running')
  expect((await theirs())['instances'].nodes).toEqual([{ name: 'orders-db-01', status: 'RUNNING', volumes: [{ name: 'orders-db-data' }] }])
  await instance.getByRole('button', { name: 'Stop orders-db-01' }).click()
  await desk.getByRole('button', { name: 'Stop instance' }).click()
  await expect(instance).toContainText('Stopped')
  await instance.getByRole('link', { name: 'orders-db-data' }).click()
  await desk.getByRole('button', { name: 'Detach…' }).click()
  await desk.getByRole('button', { name: 'Detach volume' }).click()
  await expect(desk.getByText('Not attached')).toBeVisible()
  expect((await theirs())['instances'].nodes).toEqual([{ name: 'orders-db-01', status: 'STOPPED', volumes: [] }])

  await desk.getByRole('button', { name: 'Take the first snapshot' }).click()
  await desk.getByLabel('Name').fill('before-upgrade')
  await desk.keyboard.press('Enter')
  await expect(ended('Snapshot taken')).toBeVisible()
  await desk.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await desk.getByRole('radio', { name: 'Roll back this volume' }).click()
  await desk.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await desk.getByRole('button', { name: 'Overwrite and roll back' }).click()
  await expect(ended('Rolled back')).toBeVisible()
  await desk.getByRole('button', { name: 'Delete before-upgrade' }).click()
  await desk.getByLabel('Type before-upgrade to confirm').fill('before-upgrade')
  await desk.keyboard.press('Enter')
  await expect(desk.getByText('No snapshots yet')).toBeVisible()

  await desk.getByRole('tab', { name: /^Backups/ }).click()
  await desk.getByRole('button', { name: 'Create the first backup' }).click()
  await desk.getByLabel('Name').fill('weekly')
  await desk.keyboard.press('Enter')
  await expect(desk.getByRole('row', { name: /weekly/ })).toContainText('Available')
  await desk.getByRole('button', { name: 'Restore weekly' }).click()
  const restore = desk.getByRole('dialog', { name: 'Restore from weekly' })
  await expect(restore.getByRole('combobox', { name: 'Plan' })).toContainText('Small, 1 GiB')
  await restore.getByLabel('Name').fill('orders-db-copy')
  await restore.getByRole('button', { name: 'Create volume' }).click()
  await expect(desk.getByRole('heading', { level: 1, name: 'orders-db-copy' })).toBeVisible()
  await expect(owner).toBeVisible()
  await expect(ended('Restored to a new volume')).toBeVisible()

  // The new volume and the backup are in the customer's account; the names of staff are for administrators.
  const { volumes, backups } = await theirs()
  const account = { id: customer.accountId }
  const asked = (kind: string) => ({ kind, requestedBy: null })
  expect(volumes.nodes).toEqual([
    { name: 'orders-db-copy', account, operations: { nodes: [asked('RESTORE_TO_NEW_VOLUME')] } },
    {
      name: 'orders-db-data',
      account,
      operations: {
        nodes: [
          ...['RESTORE_TO_NEW_VOLUME', 'CREATE_BACKUP', 'DELETE_SNAPSHOT', 'RESTORE_IN_PLACE', 'CREATE_SNAPSHOT'].map(asked),
          { kind: 'CREATE_VOLUME', requestedBy: { email: customer.email } },
        ],
      },
    },
  ])
  expect(backups.nodes).toEqual([{ name: 'weekly', account }])
  const activity = `/volumes/${customer.volume.id}?tab=activity`
  await desk.goto(activity)
  await expect(desk.getByRole('row', { name: /Roll back/ })).toContainText('You')
  const other = await anotherBrowser(context, customer, gateway.url)
  await other.goto(activity)
  await expect(other.getByRole('row', { name: /Roll back/ })).toContainText('The platform')
  await expect(other.getByText(email)).toHaveCount(0)
  await expect(other.getByRole('row', { name: /Create volume/ })).toContainText('You')
  await other.context().close()
})
