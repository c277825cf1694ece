/**
 * Pictures of the screens. `just screenshots` writes them to docs/screenshots; in every other run they go where
 * Playwright keeps its results, so that what they show is known to be there.
 */

import { resolve } from 'node:path'

import type { Page, TestInfo } from '@playwright/test'

import type { Api } from './api.ts'
import { HandAgent } from './agent.ts'
import { ruinImage, takeDestinationAway } from './faults.ts'
import { type Customer, expect, fill, leaveDialog, limitBackups, makeItem, type Named, named, signIn, test } from './fixtures.ts'
import type { Gateway } from './gateway.ts'
import { attachAndRun, begin, edit, imageOf, MIB, older, pass, reaches, send } from './platform.ts'

test.use({ aloneFor: 'pictures', cooldownSeconds: 300, viewport: { width: 1360, height: 860 }, deviceScaleFactor: 1.5 })

/** What is shown as it is opened: the picture's name, the path, and what is there once it is ready. */
type Screen = readonly [name: string, path: string, ready: string]

/** The month that has just ended: of a whole one there is more to see. */
function lastMonth(): string {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7)
}

const CUSTOMER_SCREENS: readonly Screen[] = [
  ['volumes', '/volumes', 'orders-db-data'],
  ['backups', '/backups', 'before-migration'],
  ['instances', '/instances', 'orders-db-01'],
  ['usage', `/usage?month=${lastMonth()}`, 'By volume'],
]

const ADMIN_SCREENS: readonly Screen[] = [
  ['admin-attention', '/attention', 'Volumes without a backup'],
  ['admin-volumes', '/volumes', 'Harbour Books'],
  ['admin-hypervisors', '/hypervisors', 'this-machine'],
  ['admin-backup-storages', '/backup-storages', 'Local'],
  ['admin-plans', '/plans', 'Small'],
  ['admin-queue', '/queue', 'Create volume'],
  ['admin-usage', `/usage?month=${lastMonth()}`, 'By account'],
]

const DAY = 86_400

test('a backup storage that is waited for', async ({ panel, customer, gateway, admin }, testInfo) => {
  const agent = await HandAgent.start(gateway, admin, 'Utrecht 1', 'hv-utr-01')
  const volume = await agent.makeVolume(customer, 'media-archive')
  // What will wait for it, in the administrator's queue.
  for (const name of ['ledger', 'ledger-archive']) await agent.makeVolume(customer, name)
  await panel.goto(`/volumes/${volume.id}?tab=backups`)
  await begin(customer, 'createBackup', { volumeId: volume.id, name: 'monthly' })
  const work = await agent.take()
  await agent.report(work, 'Exporting', 340 * MIB, 1024 * MIB)
  await expect(panel.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '33')
  await agent.report(work, 'The backup storage asks us to slow down', 340 * MIB, 1024 * MIB)
  await expect(panel.getByRole('region', { name: 'Current operation' })).toContainText('asks us to slow down')
  await take(panel, 'volume-waits', testInfo)
  await agent.complete(work, { storedBytes: 210 * MIB, checksum: 'blake3:00' })
})

test('the customer’s screens', async ({ panel, customer, gateway, admin }, testInfo) => {
  test.setTimeout(600_000)
  const volume = await makePlatform(gateway, admin, customer)
  const page = `/volumes/${volume.id}`
  const picture = (name: string) => take(panel, name, testInfo)
  const banner = panel.getByRole('region', { name: 'Current operation' })

  for (const [name, path, ready] of CUSTOMER_SCREENS) {
    await panel.goto(path)
    await expect(panel.getByRole('main').getByText(ready).first()).toBeVisible()
    await picture(name)
  }

  await panel.goto(`${page}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly-2' }).click()
  await expect(panel.getByRole('combobox', { name: 'Plan' })).toContainText('NVMe 40')
  await picture('restore')
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await expect(panel.getByRole('button', { name: 'Stop orders-db-01…' })).toBeVisible()
  await picture('roll-back-blocked')
  await leaveDialog(panel)
  // No focus of what was opened before.
  await panel.reload()
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()

  await limitBackups(admin, 4 * MIB)
  const operation = await begin(customer, 'createBackup', { volumeId: volume.id, name: 'before-black-friday' })
  await expect(banner.getByRole('progressbar')).toHaveAttribute('aria-valuetext', /^[3-6]\d %/)
  await picture('volume-running')
  await panel.emulateMedia({ colorScheme: 'dark' })
  await picture('volume-running-dark')
  await panel.emulateMedia({ colorScheme: 'light' })
  await panel.setViewportSize({ width: 390, height: 844 })
  await picture('volume-running-phone')
  await panel.setViewportSize({ width: 1360, height: 860 })
  await limitBackups(admin, null)
  await reaches(customer, operation, 'COMPLETED')
  await expect(banner.getByRole('timer')).toHaveText(/^[34]:/)
  await picture('cooldown')

  await pass(gateway, DAY)
  const putBack = await takeDestinationAway(gateway)
  try {
    await reaches(customer, await begin(customer, 'createBackup', { volumeId: volume.id, name: 'weekly-3' }), 'FAILED')
  } finally {
    await putBack()
  }
  await panel.reload()
  await expect(banner.getByText('Backup failed', { exact: true })).toBeVisible()
  await picture('backup-failed')

  await pass(gateway, DAY)
  for (const name of ['before-cleanup', 'before-vacuum']) {
    await makeItem({ ...customer, volume }, 'snapshot', name)
    await pass(gateway, DAY / 24)
  }
  await panel.goto(page)
  await expect(panel.getByText('5 of 5 snapshots')).toBeVisible()
  await picture('snapshot-limit')

  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByText('No snapshots yet')).toBeVisible()
  await picture('no-snapshots')

  const { volumes } = await customer.api.ask('{ volumes(filter: { search: "wiki-data" }) { nodes { id name backups { nodes { id } } } } }')
  const [damaged] = volumes.nodes
  await ruinImage(imageOf(gateway, damaged.id))
  const source = { backupId: damaged.backups.nodes[0].id }
  await reaches(customer, await begin(customer, 'restoreInPlace', { volumeId: damaged.id, source, confirmName: 'wiki-data' }), 'FAILED')
  await pass(gateway, DAY / 24)
  await panel.goto(`/volumes/${damaged.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore before-migration' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByRole('checkbox').click()
  await panel.getByLabel('Type wiki-data to confirm').fill('wiki-data')
  await picture('restore-new-image')
})

test('the administrator’s screens', async ({ page, gateway, admin }, testInfo) => {
  // Where all is well there is little to see: a host is away, what is asked of it waits, and a destination is new.
  const { hypervisorGroups, volumes } = await admin.ask('{ hypervisorGroups { id name } volumes(filter: { search: "ledger" }) { nodes { id } } }')
  const { id: hypervisorGroupId } = named<Named>(hypervisorGroups, 'Utrecht 1')
  const ask = (mutation: string, type: string, input: object) => admin.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename } }`, { input })
  await ask('createHypervisor', 'CreateHypervisorInput', { hypervisorGroupId, name: 'hv-utr-02' })
  await ask('createBackupStorage', 'CreateBackupStorageInput', { name: 'utr-archive', local: { path: '/srv/archive' } })
  await pass(gateway, DAY)
  await edit(gateway, `UPDATE hypervisors SET ${older('last_seen_at', 1_200)} WHERE name LIKE 'hv-%';`)
  for (const { id: volumeId } of volumes.nodes) await ask('createBackup', 'CreateBackupInput', { volumeId, name: 'nightly' })
  await signIn(page, await gateway.administrator())
  for (const [name, path, ready] of ADMIN_SCREENS) {
    await page.goto(path)
    await expect(page.getByRole('main').getByText(ready).first()).toBeVisible()
    await take(page, name, testInfo)
  }
  await page.goto(`/hypervisor-groups/${hypervisorGroupId}`)
  await page.getByRole('button', { name: 'Add storage pool…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a storage pool to Utrecht 1' })
  await dialog.getByLabel('Name').fill('nvme')
  await dialog.getByLabel('Directory').fill('/srv/nvme')
  await dialog.getByRole('combobox', { name: 'Reached by' }).click()
  await expect(page.getByRole('option', { name: /hv-utr-02/ })).toBeVisible()
  await take(page, 'admin-pool-reach', testInfo)
})

/** Takes a picture of what stands still. */
async function take(page: Page, name: string, testInfo: TestInfo): Promise<void> {
  const directory = process.env['SCREENSHOTS']
  await page.mouse.move(0, 0)
  const path = directory ? resolve(directory, `${name}.png`) : testInfo.outputPath(`${name}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
}

/** A volume of some age with snapshots and backups, on a running instance, among others. */
async function makePlatform(gateway: Gateway, admin: Api, customer: Customer): Promise<Named> {
  const { hypervisorGroups, backupStorages } = await admin.ask('{ hypervisorGroups { id } backupStorages { id } }')
  const hypervisorGroupId: string = hypervisorGroups[0].id
  await admin.ask('mutation ($input: UpdateHypervisorGroupInput!) { updateHypervisorGroup(input: $input) { hypervisorGroup { id } } }', {
    input: { hypervisorGroupId, name: 'Amsterdam 1' },
  })
  await admin.ask('mutation ($input: UpdateBackupStorageInput!) { updateBackupStorage(input: $input) { backupStorage { id } } }', {
    input: { backupStorageId: backupStorages[0].id, name: 'ams-backups' },
  })
  const { createVolumePlan } = await admin.ask('mutation ($input: CreateVolumePlanInput!) { createVolumePlan(input: $input) { plan { id } } }', {
    input: { name: 'NVMe 40', sizeBytes: 40 * 1024 * MIB, storageType: 'QCOW2_FILE', snapshotCreditValue: '0.05', backupCreditValue: '0.02' },
  })
  const make = async (name: string): Promise<Named> => {
    const input = { name, planId: createVolumePlan.plan.id, hypervisorGroupId }
    const { volume, operation } = await send(customer, 'createVolume', input, 'volume { id name } operation { id }')
    await reaches(customer, operation.id, 'COMPLETED')
    return volume
  }
  for (const name of ['mail-archive', 'wiki-data', 'wiki-uploads']) {
    const volume = await make(name)
    await makeItem({ ...customer, volume }, 'backup', 'before-migration')
    await pass(gateway, 9 * DAY)
  }
  const volume = await make('orders-db')
  await fill(gateway, volume, 48, 40)
  for (const [kind, name, days] of [
    ['backup', 'before-migration', 30],
    ['snapshot', 'schema-freeze-q4', 12],
    ['backup', 'weekly-1', 6],
    ['snapshot', 'before-index-rebuild', 1],
    ['backup', 'weekly-2', 6],
    ['snapshot', 'before-pg17-upgrade', 1],
  ] as const) {
    await makeItem({ ...customer, volume }, kind, name)
    await pass(gateway, days * DAY)
  }
  await attachAndRun({ ...customer, volume })
  return volume
}
