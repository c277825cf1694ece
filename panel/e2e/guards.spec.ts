/** What is refused, how it is told, and the ways out. */

import { misinform, overtake } from './faults.ts'
import { expect, expectAccessible, leaveDialog, limitBackups, makeItem, makeVolume, type Named, test } from './fixtures.ts'
import { attachAndRun, begin, beginSlowBackup, cancel, forbidItems, reaches, takeBackupStorageAway } from './platform.ts'

test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('at the cap the button says why, and a deleted snapshot frees it', async ({ panel, customer }) => {
  for (const number of [1, 2, 3, 4, 5]) await makeItem(customer, 'snapshot', `snapshot-${number}`)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByText('5 of 5 snapshots')).toBeVisible()
  await expect(panel.getByText('Snapshot limit reached (5 of 5).').filter({ visible: true })).toBeVisible()
  const take = panel.getByRole('button', { name: 'Take snapshot' })
  await expect(take).toHaveAttribute('aria-disabled', 'true')
  await expect(take).toHaveAccessibleDescription(/Snapshot limit reached \(5 of 5\)/)
  await take.click({ force: true })
  // In the note above the list, and beside the button.
  await expect(panel.getByText(/^Snapshot limit reached \(5 of 5\)\./).filter({ visible: true })).toHaveCount(2)
  await expect(panel.getByRole('dialog')).toHaveCount(0)
  await expectAccessible(panel)

  await panel.getByRole('button', { name: 'Delete snapshot-3' }).click()
  await panel.getByLabel('Type snapshot-3 to confirm').fill('snapshot-3')
  await panel.keyboard.press('Enter')
  await expect(panel.getByText('4 of 5 snapshots')).toBeVisible()
  await expect(take).not.toHaveAttribute('aria-disabled', 'true')
})

test('a plan with a cap of 0 has none, and says so', async ({ panel, customer, admin }) => {
  const putBack = await forbidItems(admin, 'Small, 1 GiB')
  try {
    await panel.goto(`/volumes/${customer.volume.id}`)
    for (const [tab, first, noun] of [['Snapshots', 'Take the first snapshot', 'snapshots'], ['Backups', 'Create the first backup', 'backups']] as const) {
      await panel.getByRole('tab', { name: new RegExp(`^${tab}\\b(?! &)`) }).click()
      await expect(panel.getByText(`0 of 0 ${noun}`)).toBeVisible()
      const reason = `This plan has no ${noun}. Move to a plan that has them.`
      await expect(panel.getByRole('button', { name: first })).toHaveAccessibleDescription(reason)
      await expect(panel.getByText(reason).filter({ visible: true })).toBeVisible()
    }
    await expectAccessible(panel)
  } finally {
    await putBack()
  }
})

test('the volume of somebody else looks like one that does not exist', async ({ panel, customer, admin }) => {
  const { volumes } = await admin.ask('{ volumes(first: 100) { nodes { id account { id } } } }')
  const foreign: Named = volumes.nodes.find(({ account }: { account: Named }) => account.id !== customer.accountId)
  const shown = async (id: string) => {
    await panel.goto(`/volumes/${id}`)
    await expect(panel.getByRole('main').getByText('There is no such volume')).toBeVisible()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
    return [await panel.title(), await panel.locator('body').innerText()]
  }
  expect(await shown(foreign.id)).toEqual(await shown('018f0000-0000-7000-8000-000000000000'))
})

test('a running instance blocks a roll back; stopping it frees it', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await attachAndRun(customer)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await expect(panel.getByText('orders-db-data is attached to orders-db-01, which is running.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Overwrite and roll back' })).toHaveAccessibleDescription(
    'orders-db-01 is running. Stop it, or detach the volume.',
  )
  await expectAccessible(panel)
  await panel.getByRole('button', { name: 'Stop orders-db-01…' }).click()
  await panel.getByRole('button', { name: 'Stop instance' }).click()
  await expect(panel.getByLabel('Type orders-db-data to confirm')).toBeVisible()
})

test('without a backup storage no backup is offered, and one asked for before is refused', async ({ panel, customer, admin }) => {
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create the first backup' }).click()
  const putBack = await takeBackupStorageAway(admin)
  try {
    await panel.getByRole('button', { name: 'Create backup' }).click()
    const refusal = panel.getByRole('dialog').getByRole('alert')
    await expect(refusal).toContainText('Hypervisor has no backup storage configured.')
    await expect(refusal).toContainText('Contact support to have them set up.')
    await leaveDialog(panel)
    await panel.reload()
    await expect(panel.getByRole('button', { name: 'Create the first backup' })).toHaveAccessibleDescription(
      'Backups are not set up for this volume’s location.',
    )
    // Snapshots need none.
    await panel.getByRole('tab', { name: /^Snapshots\b(?! &)/ }).click()
    await expect(panel.getByRole('button', { name: 'Take the first snapshot' })).not.toHaveAttribute('aria-disabled', 'true')
  } finally {
    await putBack()
  }
})

test('a plan that is too small or of another storage stays listed and says why', async ({ panel, customer }) => {
  const volume = await makeVolume(customer.api, 'archive', 'Large')
  await makeItem({ ...customer, volume }, 'backup', 'weekly')
  await panel.goto(`/volumes/${volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  const dialog = panel.getByRole('dialog', { name: 'Restore from weekly' })
  await dialog.getByRole('combobox', { name: 'Plan' }).click()
  const small = panel.getByRole('option', { name: /Small/ })
  await expect(small).toHaveAttribute('aria-disabled', 'true')
  await expect(small).toContainText('1 GiB is smaller than this 4 GiB backup.')
  await expect(panel.getByRole('option', { name: /Ceph/ })).toContainText('Ceph storage: can’t take a QCOW2 file backup.')
  await small.click({ force: true })
  await panel.keyboard.press('Escape')
  await expect(dialog.getByRole('combobox', { name: 'Plan' })).toContainText('Large, 4 GiB')
  await leaveDialog(panel)

  // A page that has it wrong is told by the API.
  await misinform(panel, 'RestoreOptions', ({ volumePlans, hypervisorGroups }) => {
    for (const plan of volumePlans) Object.assign(plan, { storageType: 'QCOW2_FILE', sizeBytes: 4 * 2 ** 30 })
    for (const group of hypervisorGroups) group.plans = volumePlans
  })
  await panel.getByRole('button', { name: 'Restore weekly' }).click()
  const refusals: [plan: RegExp, words: string][] = [
    [/Ceph/, 'Backup created on qcow2 files cannot restore onto a Ceph-backed plan. Choose a target plan whose storage type matches the source volume\'s storage type.'],
    [/Small/, 'The target is 1073741824 bytes, but the item\'s volume was 4294967296 bytes. Choose a larger plan.'],
  ]
  for (const [plan, words] of refusals) {
    await dialog.getByRole('combobox', { name: 'Plan' }).click()
    await panel.getByRole('option', { name: plan }).click()
    await dialog.getByRole('button', { name: 'Create volume' }).click()
    await expect(dialog.getByRole('alert')).toContainText(words)
  }
  await panel.unrouteAll({ behavior: 'wait' })
})

test('while a backup runs, each control of the volume says what it waits for', async ({ panel, customer, gateway, admin }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.goto(`/volumes/${customer.volume.id}`)
  // This dialog is older than the backup.
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  const operation = await beginSlowBackup(gateway, admin, customer)
  await panel.getByRole('dialog').getByRole('button', { name: 'Take snapshot' }).click()
  const refusal = panel.getByRole('dialog').getByRole('alert')
  await expect(refusal).toContainText('Volume is busy with operation: backup')
  await expect(refusal).toContainText('One operation runs on a volume at a time. The banner shows how far it is.')
  await leaveDialog(panel)

  const reason = 'Wait for the backup to finish. One operation runs on a volume at a time.'
  for (const name of ['Take snapshot', 'Restore before-upgrade', 'Delete before-upgrade']) {
    const control = panel.getByRole('button', { name, exact: true })
    await expect(control).toHaveAccessibleDescription(reason)
    await control.click({ force: true })
    await expect(panel.getByText(reason).filter({ visible: true })).toHaveCount(1)
  }
  await expect(panel.getByRole('dialog')).toHaveCount(0)
  await panel.getByRole('tab', { name: 'Settings' }).click()
  await expect(panel.getByRole('button', { name: 'Delete volume…' })).toHaveAccessibleDescription(reason)
  // Attaching changes nothing that a backup reads.
  await expect(panel.getByRole('button', { name: 'Attach…' })).not.toHaveAttribute('aria-disabled', 'true')

  await cancel(customer, operation)
  await expect(panel.getByRole('button', { name: 'Delete volume…' })).toHaveAccessibleDescription('It has 1 snapshot. Delete them first.')
})

test('with three operations in flight the next volume lists them, and goes on when one ends', async ({ panel, customer, gateway, admin }) => {
  const volumes = await Promise.all(['orders-1', 'orders-2', 'orders-3'].map((name) => makeVolume(customer.api, name)))
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  const running: string[] = []
  for (const volume of volumes) running.push(await beginSlowBackup(gateway, admin, customer, volume))
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  const refusal = panel.getByRole('dialog').getByRole('alert')
  await expect(refusal).toContainText('Too many volume operations in flight (3 of 3). Wait for one to finish.')
  await expect(refusal).toContainText('Nothing was started. Try again when one has finished.')
  await leaveDialog(panel)

  const reason = 'You already have 3 volume operations running. Wait for one to finish.'
  const take = panel.getByRole('button', { name: 'Take the first snapshot' })
  await expect(take).toHaveAccessibleDescription(reason)
  await expect(panel.getByRole('main').getByText(reason).filter({ visible: true })).toBeVisible()
  for (const { name } of volumes) await expect(panel.getByRole('listitem').filter({ hasText: `Creating backup · ${name}` })).toBeVisible()
  await expectAccessible(panel)

  // Of an agent's three places one is kept for snapshots and deletes: the third backup waits.
  await panel.getByRole('link', { name: 'orders-3' }).click()
  const banner = panel.getByRole('region', { name: 'Current operation' })
  await expect(banner.getByText('Queued. This volume’s hypervisor does other work.')).toBeVisible()
  await expect(banner.getByText(/^Waiting (\d+ min )?\d+ s$/)).toBeVisible()
  await expectAccessible(panel)
  await panel.goBack()
  await expect(take).toHaveAccessibleDescription(reason)
  await cancel(customer, String(running[2]))
  await expect(take).not.toHaveAttribute('aria-disabled', 'true')
  for (const operation of running.slice(0, 2)) await cancel(customer, operation)
})

test('a cap that is reached while the dialog is open is told in it', async ({ panel, customer }) => {
  for (const number of [1, 2, 3, 4]) await makeItem(customer, 'snapshot', `snapshot-${number}`)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  await makeItem(customer, 'snapshot', 'snapshot-5')
  await panel.getByRole('dialog').getByLabel('Name').fill('one-too-many')
  await panel.keyboard.press('Enter')
  await expect(panel.getByRole('dialog').getByRole('alert')).toContainText('Snapshot limit reached. Delete an existing snapshot first.')
  // What was typed is kept.
  await expect(panel.getByRole('dialog').getByLabel('Name')).toHaveValue('one-too-many')
})

test('at the cap of backups the button says why', async ({ panel, customer }) => {
  for (let number = 1; number <= 9; number += 1) await makeItem(customer, 'backup', `backup-${number}`)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create backup' }).click()
  await makeItem(customer, 'backup', 'backup-10')
  // This dialog is older than the tenth.
  await panel.getByRole('dialog').getByRole('button', { name: 'Create backup' }).click()
  await expect(panel.getByRole('dialog').getByRole('alert')).toContainText('Backup limit reached. Delete an existing backup first.')
  await leaveDialog(panel)
  await expect(panel.getByText('10 of 10 backups')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Create backup' })).toHaveAccessibleDescription(/Backup limit reached \(10 of 10\)/)
})

test('an instance that is started while the roll back is being confirmed blocks it', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByLabel('Type orders-db-data to confirm').fill('orders-db-data')
  await overtake(panel, 'RestoreInPlace', () => attachAndRun(customer))
  await panel.getByRole('button', { name: 'Overwrite and roll back' }).click()
  await expect(panel.getByRole('dialog').getByRole('alert')).toContainText(
    'Cannot restore in-place while attached to a running instance. Stop the instance or detach the volume first.',
  )
  await expect(panel.getByText('orders-db-data is attached to orders-db-01, which is running.')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Overwrite and roll back' })).toHaveAttribute('aria-disabled', 'true')
  // The way that has no such restriction.
  await panel.getByRole('button', { name: 'Restore to a new volume' }).click()
  await panel.getByRole('button', { name: 'Create volume' }).click()
  await expect(panel.getByRole('heading', { level: 1, name: 'orders-db-data-restored' })).toBeVisible()
})

test('detaching frees a roll back, too', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await attachAndRun(customer)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Restore before-upgrade' }).click()
  await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
  await panel.getByRole('button', { name: 'Detach volume…' }).click()
  await panel.getByRole('button', { name: 'Detach volume', exact: true }).click()
  await expect(panel.getByLabel('Type orders-db-data to confirm')).toBeVisible()
})

test('a snapshot that is gone by the time is said to be', async ({ panel, customer }) => {
  const snapshot = await makeItem(customer, 'snapshot', 'short-lived')
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Delete short-lived' }).click()
  const dialog = panel.getByRole('alertdialog', { name: 'Delete this snapshot?' })
  await dialog.getByLabel('Type short-lived to confirm').fill('short-lived')
  const deleted = await begin(customer, 'deleteSnapshot', { snapshotId: snapshot.id, confirmName: 'short-lived' })
  await reaches(customer, deleted, 'COMPLETED')
  await dialog.getByRole('button', { name: 'Delete snapshot' }).click()
  await expect(dialog.getByRole('alert')).toContainText('It no longer exists, or you don’t have access to it.')
})
