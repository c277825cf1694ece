/** The queue: filtered, followed, and what is stuck in it ended. */

import type { Api } from '../api.ts'

import { expect, expectAccessible, fresh, makeItem, platform, test } from './fixtures.ts'

/** A hypervisor without an agent, so that what is asked of it waits; and its volume that is asked for. */
async function stuckVolume(admin: Api, name: string): Promise<{ operationId: string; volumeId: string }> {
  const ask = async (mutation: string, type: string, selection: string, input: object) =>
    (await admin.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${selection} } }`, { input }))[mutation]
  const { hypervisorGroup } = await ask('createHypervisorGroup', 'CreateHypervisorGroupInput', 'hypervisorGroup { id }', { name: fresh('Somewhere') })
  const hypervisorGroupId = hypervisorGroup.id
  await ask('createHypervisor', 'CreateHypervisorInput', 'hypervisor { id }', { hypervisorGroupId, name: fresh('vm-host-off') })
  await ask('createStoragePool', 'CreateStoragePoolInput', 'storagePool { id }', { hypervisorGroupId, name: 'files', qcow2File: { path: '/srv/volumes' } })
  const { plan } = await platform(admin)
  const made = await ask('createVolume', 'CreateVolumeInput', 'volume { id } operation { id }', { hypervisorGroupId, name, planId: plan.id })
  return { operationId: made.operation.id, volumeId: made.volume.id }
}

test('the queue is filtered by state, kind and account, and follows what happens', async ({ desk, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  const { viewer } = await customer.api.ask('{ viewer { account { name } } }')
  await desk.goto('/queue')
  const table = desk.getByRole('table', { name: 'Queue' })
  await desk.getByRole('combobox', { name: 'Account' }).click()
  await desk.getByRole('option', { name: viewer.account.name }).click()
  // The snapshot and the volume.
  await expect(desk.getByText('2 operations')).toBeVisible()
  await desk.getByRole('combobox', { name: 'Kind' }).click()
  await desk.getByRole('option', { name: 'Take snapshot' }).click()
  await expect(desk.getByText('1 operation', { exact: true })).toBeVisible()
  await expect(table.getByRole('row', { name: /Take snapshot before-upgrade/ })).toContainText('Done')
  await expect(desk).toHaveURL(/kind=CREATE_SNAPSHOT/)
  await makeItem(customer, 'snapshot', 'meanwhile')
  await expect(table.getByRole('row', { name: /Take snapshot meanwhile/ })).toBeVisible()
  await desk.getByRole('combobox', { name: 'State' }).click()
  await desk.getByRole('option', { name: 'Failed' }).click()
  await expect(desk.getByRole('heading', { name: 'No operation fits' })).toBeVisible()
  await desk.getByRole('button', { name: 'Clear the filters' }).click()
  await expect(table).toBeVisible()
})

test('what waits for long turns amber, then red', async ({ desk, admin }) => {
  const { operationId } = await stuckVolume(admin, fresh('stuck'))
  await desk.clock.install()
  await desk.goto('/queue?status=PENDING')
  const row = desk.getByRole('row').filter({ has: desk.locator(`a[href="/queue/${operationId}"]`) })
  await expect(row).toContainText('Queued')
  await desk.clock.setSystemTime(Date.now() + 31 * 60_000)
  await desk.clock.runFor(2_000)
  await expect(row).toContainText('Takes long')
  await desk.clock.setSystemTime(Date.now() + 101 * 60_000)
  await desk.clock.runFor(2_000)
  await expect(row).toContainText('Fails at 2 h')
})

test('an operation is marked failed only with a reason and the volume’s name', async ({ desk, admin }) => {
  const name = fresh('stuck')
  const { operationId, volumeId } = await stuckVolume(admin, name)
  await desk.goto(`/queue/${operationId}`)
  await expect(desk.getByText(/^Waiting for vm-host-off/)).toBeVisible()
  await expect(desk.getByRole('button', { name: 'Cancel…' })).toHaveAccessibleDescription('Only snapshots, backups and restores can be cancelled.')
  await desk.getByRole('button', { name: 'Mark failed…' }).click()
  const dialog = desk.getByRole('alertdialog', { name: 'Mark this operation failed?' })
  await expect(dialog.getByLabel('Reason')).toBeFocused()
  const submit = dialog.getByRole('button', { name: 'Mark failed' })
  await expect(submit).toHaveAccessibleDescription('Give a reason first.')
  await dialog.getByLabel('Reason').fill('The hypervisor is gone.')
  await expect(submit).toHaveAccessibleDescription('Type the volume’s name first.')
  await dialog.getByLabel(`Type ${name} to confirm`).fill('another')
  await desk.keyboard.press('Enter')
  await expect(dialog).toBeVisible()
  await expectAccessible(desk)
  await dialog.getByLabel(`Type ${name} to confirm`).fill(name)
  await desk.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(desk.getByText('Failed', { exact: true }).first()).toBeVisible()
  await expect(desk.getByText('The hypervisor is gone.').first()).toBeVisible()
  await expect(desk.getByRole('button', { name: 'Mark failed…' })).toBeHidden()
  const { volume } = await admin.ask('query ($id: ID!) { volume(id: $id) { status activeOperation { id } } }', { id: volumeId })
  expect(volume).toEqual({ status: 'FAILED', activeOperation: null })
})

test('an operation’s page tells its events and its log, and leads to its volume', async ({ desk, customer }) => {
  await makeItem(customer, 'backup', 'weekly')
  await desk.goto(`/volumes/${customer.volume.id}?tab=activity`)
  await desk.getByRole('link', { name: 'Create backup' }).click()
  await expect(desk.getByRole('heading', { level: 1, name: 'Create backup · weekly' })).toBeVisible()
  const events = desk.getByRole('table', { name: 'Events' })
  for (const event of ['Accepted', 'Started', 'Completed']) await expect(events.getByRole('row', { name: new RegExp(event) })).toBeVisible()
  await expect(desk.getByRole('table', { name: 'Log' }).getByRole('row')).not.toHaveCount(1)
  await desk.getByRole('link', { name: customer.volume.name }).click()
  await expect(desk.getByRole('heading', { level: 1, name: customer.volume.name })).toBeVisible()
})
