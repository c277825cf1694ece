/** All that a customer does, by the keyboard alone. */

import type { Page } from '@playwright/test'

import { tabTo } from './accessibility.ts'
import { takeDestinationAway } from './faults.ts'
import { expect, fill, limitBackups, makeItem, test } from './fixtures.ts'
import { begin, MIB, reaches } from './platform.ts'

test.afterEach(async ({ admin }) => limitBackups(admin, null))

/** Whether what has the focus shows it. */
async function expectRing(page: Page): Promise<void> {
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)
  expect(outline).not.toBe('none')
}

test('all from signing in to signing out takes no mouse', async ({ page, customer, gateway, admin }) => {
  await page.goto('/')
  await tabTo(page, page.getByLabel('Email'))
  await page.keyboard.type(customer.email)
  await page.keyboard.press('Tab')
  await expect(page.getByLabel('Password')).toBeFocused()
  await page.keyboard.type(customer.password)
  await page.keyboard.press('Enter')
  const volume = page.getByRole('link', { name: 'orders-db-data' })
  await expect(volume).toBeVisible()

  // The skip link comes first, and leads past the navigation.
  await page.goto('/volumes')
  await expect(volume).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main')).toBeFocused()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('button', { name: 'Create volume' })).toBeFocused()
  await expectRing(page)
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox', { name: 'Search by name' })).toBeFocused()
  await page.keyboard.type('orders')
  await expect(page).toHaveURL(/q=orders/)
  await tabTo(page, volume)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeFocused()
  await expect(page).toHaveTitle('orders-db-data · Volumes · Tidemark')

  // A snapshot.
  const first = page.getByRole('button', { name: 'Take the first snapshot' })
  await tabTo(page, first)
  await page.keyboard.press('Space')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(first).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.type('before-upgrade')
  await page.keyboard.press('Enter')
  const row = page.getByRole('row', { name: /before-upgrade/ })
  await expect(row).toContainText('Available')
  // The button that opened the dialog has gone.
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeFocused()

  // A roll back: the arrows choose the way.
  const restore = page.getByRole('button', { name: 'Restore before-upgrade' })
  await tabTo(page, restore)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Restore from before-upgrade' })
  await expect(dialog.getByRole('radio', { name: 'Restore to a new volume' })).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(dialog.getByRole('radio', { name: 'Roll back this volume' })).toBeChecked()
  await tabTo(page, dialog.getByLabel('Type orders-db-data to confirm'))
  await page.keyboard.type('orders-db-data')
  await page.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('region', { name: 'Current operation' }).getByText('Rolled back', { exact: true })).toBeVisible()
  await expect(restore).toBeFocused()

  // A restore to a new volume, of another plan, leads to it.
  await expect(restore).toBeEnabled()
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('radio', { name: 'Restore to a new volume' })).toBeFocused()
  await tabTo(page, dialog.getByRole('combobox', { name: 'Plan' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('option', { name: /Small/ })).toBeFocused()
  await tabTo(page, page.getByRole('option', { name: /Large/ }), 'ArrowUp')
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('combobox', { name: 'Plan' })).toBeFocused()
  await expect(dialog.getByRole('combobox', { name: 'Plan' })).toContainText('Large, 4 GiB')
  await tabTo(page, dialog.getByLabel('Name'), 'Shift+Tab')
  await page.keyboard.type('orders-db-copy')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-copy' })).toBeFocused()
  await expect(page.getByText('4 GiB', { exact: true })).toBeVisible()

  // Tabs move by arrows, and keep the focus.
  await tabTo(page, page.getByRole('tab', { name: 'Snapshots & Backups' }))
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('tab', { name: 'Activity' })).toBeFocused()
  await expect(page.getByRole('table', { name: 'Operations' })).toBeVisible()

  // A delete, back at the source.
  await tabTo(page, page.getByRole('navigation').getByRole('link', { name: 'Volumes' }).first(), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Volumes' })).toBeFocused()
  await tabTo(page, volume)
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Delete before-upgrade' }))
  await page.keyboard.press('Enter')
  const alert = page.getByRole('alertdialog', { name: 'Delete this snapshot?' })
  await expect(alert.getByLabel('Type before-upgrade to confirm')).toBeFocused()
  await page.keyboard.type('before-upgrade')
  await page.keyboard.press('Enter')
  await expect(page.getByText('No snapshots yet')).toBeVisible()
  // What opened it is gone: the focus is not lost.
  await expect(alert).toBeHidden()
  await expect(page.getByRole('heading', { level: 1, name: 'orders-db-data' })).toBeFocused()

  // A backup that is cancelled, and one that is not.
  await fill(gateway, customer.volume, 96)
  await limitBackups(admin, MIB)
  await tabTo(page, page.getByRole('tab', { name: /^Snapshots\b(?! &)/ }))
  await page.keyboard.press('ArrowRight')
  await tabTo(page, page.getByRole('button', { name: 'Create the first backup' }))
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.type('too-slow')
  await page.keyboard.press('Enter')
  const banner = page.getByRole('region', { name: 'Current operation' })
  await tabTo(page, banner.getByRole('button', { name: 'Cancel…' }), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Cancel the operation' }))
  await page.keyboard.press('Enter')
  await expect(banner.getByText('Backup cancelled', { exact: true })).toBeVisible()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await limitBackups(admin, null)
  await tabTo(page, page.getByRole('button', { name: 'Create backup' }))
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.type('weekly')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('row', { name: /weekly/ })).toContainText('Available')
  await tabTo(page, banner.getByRole('button', { name: 'Dismiss' }), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(banner.getByText('Backup created', { exact: true })).toBeHidden()

  // A token.
  await tabTo(page, page.getByRole('link', { name: 'API tokens' }), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'API tokens' })).toBeFocused()
  await tabTo(page, page.getByRole('button', { name: 'Create token' }))
  await page.keyboard.press('Enter')
  await expect(page.getByLabel('Name')).toBeFocused()
  await page.keyboard.type('nightly')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Copy' })).toBeFocused()
  await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Close' }))
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Revoke nightly' }))
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('alertdialog', { name: 'Revoke nightly?' }).getByRole('button', { name: 'Revoke token' }))
  await page.keyboard.press('Enter')
  await expect(page.getByText('No API tokens yet')).toBeVisible()
  await expect(page.getByRole('heading', { level: 1, name: 'API tokens' })).toBeFocused()

  // The way out.
  await tabTo(page, page.getByRole('button', { name: `account of ${customer.email}` }), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Sign out' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('the focus stays in a dialog, and goes back to what opened it', async ({ panel, customer }) => {
  await makeItem(customer, 'backup', 'weekly')
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  const openers = ['Create backup', 'Restore weekly', 'Delete weekly', 'Attach…']
  for (const name of openers) {
    const opener = panel.getByRole('button', { name })
    await tabTo(panel, opener)
    await panel.keyboard.press('Enter')
    const dialog = panel.getByRole('dialog').or(panel.getByRole('alertdialog'))
    await expect(dialog.locator(':focus')).toHaveCount(1)
    // Round the dialog, and never behind it. At its ends, the focus comes round with the browser's next frame.
    for (let presses = 0; presses < 12; presses += 1) {
      await panel.keyboard.press('Tab')
      await expect(dialog.locator(':focus'), `${name}: Tab ${presses + 1}`).toHaveCount(1)
    }
    // Where a control tells why it cannot be used, Escape closes that first.
    await tabTo(panel, dialog.getByRole('button', { name: 'Cancel' }))
    await panel.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
    await expect(opener).toBeFocused()
    await tabTo(panel, panel.getByRole('link', { name: 'Volumes' }).first(), 'Shift+Tab')
  }
})

test('a dialog within a dialog closes alone', async ({ panel, customer }) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  await panel.goto(`/volumes/${customer.volume.id}`)
  await tabTo(panel, panel.getByRole('button', { name: 'Restore before-upgrade' }))
  await panel.keyboard.press('Enter')
  const plan = panel.getByRole('combobox', { name: 'Plan' })
  await tabTo(panel, plan)
  await panel.keyboard.press('Enter')
  await expect(panel.getByRole('listbox')).toBeVisible()
  await panel.keyboard.press('Escape')
  await expect(panel.getByRole('listbox')).toBeHidden()
  await expect(panel.getByRole('dialog', { name: 'Restore from before-upgrade' })).toBeVisible()
  await panel.keyboard.press('Escape')
  await expect(panel.getByRole('dialog')).toHaveCount(0)
  await expect(panel.getByRole('button', { name: 'Restore before-upgrade' })).toBeFocused()
})

test('what failed is deleted by the keyboard alone, and the focus is not lost with the last of it', async ({ panel, customer, gateway }) => {
  const back = await takeDestinationAway(gateway)
  for (const name of ['one', 'two']) await reaches(customer, await begin(customer, 'createBackup', { volumeId: customer.volume.id, name }), 'FAILED')
  await back()
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  const opener = panel.getByRole('button', { name: 'Delete 2 failed…' })
  await tabTo(panel, opener)
  await panel.keyboard.press('Enter')
  const dialog = panel.getByRole('alertdialog', { name: 'Delete 2 failed backups?' })
  await expect(dialog.locator(':focus')).toHaveCount(1)
  await panel.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(opener).toBeFocused()
  await panel.keyboard.press('Enter')
  await tabTo(panel, dialog.getByRole('button', { name: 'Delete 2 backups' }))
  await panel.keyboard.press('Enter')
  await expect(dialog).toBeHidden()
  await expect(panel.getByText('No backups yet')).toBeVisible()
  await expect(panel.getByRole('heading', { level: 1, name: customer.volume.name })).toBeFocused()
})
