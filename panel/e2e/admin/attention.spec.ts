/** Where administrators land: what needs them, each with the way to it. */

import type { Page } from '@playwright/test'

import { takeDestinationAway } from '../faults.ts'
import { begin, edit, older, reaches } from '../platform.ts'

import { directory, expect, expectAccessibleEverywhere, fresh, makeVolume, stuckVolume, test } from './fixtures.ts'

test.use({ aloneFor: 'what needs an administrator' })

const HOUR = 3_600

/** What each line is about, and what its list counts. */
const LINES: readonly [title: string, noun: string][] = [
  ['Operations that failed in 24 hours', 'operation'],
  ['Operations that stand still', 'operation'],
  ['Hypervisors that are offline', 'hypervisor'],
  ['Hypervisors with an agent of another version', 'hypervisor'],
  ['Backup storages that fail', 'backup storage'],
  ['Backup storages that were never tested', 'backup storage'],
  ['Volumes without a backup', 'volume'],
]

/** How many a line says that there are. */
async function figureOf(page: Page, title: string): Promise<number> {
  return Number(await page.getByRole('listitem').filter({ hasText: title }).locator('span').first().textContent())
}

test('an administrator lands on what needs one, and each figure leads to exactly those that it counts', async ({ desk, customer, gateway, admin }) => {
  const ask = async (mutation: string, type: string, what: string, input: object) =>
    (await admin.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${what} } }`, { input }))[mutation]
  // Failed: one that was asked for the day before yesterday, and one of whose volume nothing came.
  const back = await takeDestinationAway(gateway)
  const failed = await begin(customer, 'createBackup', { volumeId: customer.volume.id, name: 'weekly' })
  await reaches(customer, failed, 'FAILED')
  await back()
  const given = await stuckVolume(admin, fresh('given-up'))
  await ask('failOperation', 'FailOperationInput', 'operation { id }', { operationId: given.operationId, reason: 'Its host is gone.' })
  // Failed, but before.
  const long = await stuckVolume(admin, fresh('long-ago'))
  await ask('failOperation', 'FailOperationInput', 'operation { id }', { operationId: long.operationId, reason: 'Its host is gone.' })
  const stuck = await stuckVolume(admin, fresh('stuck'))
  await stuckVolume(admin, fresh('just-asked'))
  // One host that was there, of another version.
  const { createHypervisorGroup } = await admin.ask('mutation ($name: String!) { createHypervisorGroup(input: { name: $name }) { hypervisorGroup { id } } }', { name: fresh('Somewhere') })
  const { hypervisor } = await ask('createHypervisor', 'CreateHypervisorInput', 'hypervisor { id }', { hypervisorGroupId: createHypervisorGroup.hypervisorGroup.id, name: fresh('vm-old') })
  await edit(
    gateway,
    `UPDATE operations SET ${older('created_at', 48 * HOUR)} WHERE id = '${failed}';
     UPDATE operations SET ${older('created_at', 48 * HOUR)}, ${older('finished_at', 25 * HOUR)} WHERE id = '${long.operationId}';
     UPDATE operations SET ${older('created_at', HOUR)} WHERE id = '${stuck.operationId}';
     UPDATE hypervisors SET agent_version = '0.0.1', last_seen_at = (SELECT created_at FROM operations WHERE id = '${failed}') WHERE id = '${hypervisor.id}';`,
  )
  await ask('createBackupStorage', 'CreateBackupStorageInput', 'backupStorage { id }', { name: fresh('untested'), local: { path: await directory(gateway, 'untested') } })
  const { backupStorage } = await ask('createBackupStorage', 'CreateBackupStorageInput', 'backupStorage { id }', { name: fresh('missing'), local: { path: `${gateway.data}/is-not-there` } })
  await ask('testBackupStorage', 'TestBackupStorageInput', 'test { ok }', { backupStorageId: backupStorage.id })
  await makeVolume(customer.api, 'without-a-backup')

  await desk.goto('/')
  await expect(desk).toHaveURL(/\/attention$/)
  await expect(desk.getByRole('heading', { level: 1, name: 'Attention' })).toBeVisible()
  const main = desk.getByRole('main')
  await expect(main.getByRole('listitem')).toHaveCount(LINES.length)
  await expectAccessibleEverywhere(desk)

  for (const [title, noun] of LINES) {
    await desk.goto('/attention')
    const link = main.getByRole('link', { name: title })
    await expect(link).toBeVisible()
    const figure = await figureOf(desk, title)
    expect(figure, title).toBeGreaterThan(0)
    await link.click()
    await expect(desk.getByRole('heading', { level: 1, name: 'Attention' })).toHaveCount(0)
    await expect(main.getByText(`${figure} ${noun}${figure === 1 ? '' : 's'}`, { exact: true }), title).toBeVisible()
  }
  await desk.goto('/attention')
  expect(await figureOf(desk, 'Operations that failed in 24 hours')).toBe(2)
  await main.getByRole('link', { name: 'Operations that stand still' }).click()
  await expect(desk.getByRole('row').filter({ has: desk.locator(`a[href="/queue/${stuck.operationId}"]`) })).toContainText('Queued')
  await expect(desk.getByRole('combobox', { name: 'State' })).toContainText('Standing still')
  await desk.goBack()
  await main.getByRole('link', { name: 'Backup storages that were never tested' }).click()
  await expect(desk.getByText('Those that were never tested.')).toBeVisible()
  await desk.getByRole('button', { name: 'Show all' }).click()
  await expect(desk).toHaveURL(/\/backup-storages$/)
  await desk.goto('/attention')
  await main.getByRole('link', { name: 'Volumes without a backup' }).click()
  await expect(desk.getByRole('row', { name: /without-a-backup/ })).toContainText('No backup')
})
