/** A backup that takes its time: the banner while it runs. What showing it costs is measured by `just bench-panel`. */

import { anotherBrowser, expect, expectAccessible, fill, limitBackups, test } from './fixtures.ts'

const MIB = 2 ** 20

test.use({
  expectedErrors: /WebSocket connection .* failed|ERR_INTERNET_DISCONNECTED/,
  contextOptions: { reducedMotion: 'no-preference' },
})
test.afterEach(async ({ admin }) => limitBackups(admin, null))

test('the banner tells how far, how fast and how long, in every browser and after a reload', async ({
  panel,
  customer,
  gateway,
  admin,
  context,
}) => {
  await fill(gateway, customer.volume, 256)
  // It takes minutes, however busy the machine is: the journey ends it.
  await limitBackups(admin, MIB)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create the first backup' }).click()
  await panel.getByLabel('Name').fill('weekly')
  await panel.keyboard.press('Enter')

  const bar = panel.getByRole('progressbar', { name: 'Creating backup' })
  await expect(bar).toHaveAttribute('aria-valuetext', /^\d+ %, [\d.]+ MiB of 256 MiB, About \d+ (s|min) left$/)
  await expect(panel.getByText(/[MK]iB\/s$/)).toBeVisible()
  await expect(panel.getByText(/Started (\d+ min )?\d+ s ago by you/)).toBeVisible()
  await expect(panel.locator('[aria-current=step]')).toHaveText('Exporting')
  await expect(panel.getByRole('button', { name: 'Create backup' })).toHaveAccessibleDescription(/^Wait for the backup to finish\./)
  await expectAccessible(panel)

  const other = await anotherBrowser(context, customer, gateway.url)
  await other.goto(`/volumes/${customer.volume.id}`)
  await expect(other.getByRole('progressbar')).toHaveAttribute('aria-valuetext', /left$/)
  await panel.reload()
  await expect(bar).toHaveAttribute('aria-valuetext', /left$/)

  await context.setOffline(true)
  await expect(panel.getByText(/^Connection lost\. Last update \d+ s ago\.$/)).toBeVisible()
  await context.setOffline(false)
  await expect(bar).toHaveAttribute('aria-valuetext', /left$/)

  await other.getByRole('button', { name: 'Cancel…' }).click()
  await other.getByRole('button', { name: 'Cancel the operation' }).click()
  for (const page of [panel, other]) {
    await expect(page.getByRole('region', { name: 'Current operation' }).getByText('Backup cancelled', { exact: true })).toBeVisible()
  }
  await other.getByRole('tab', { name: /^Backups/ }).click()
  await expect(other.getByRole('button', { name: 'Create backup' })).not.toHaveAttribute('aria-disabled', 'true')
  await other.context().close()
})
