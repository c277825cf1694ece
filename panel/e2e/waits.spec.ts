/** A backup whose storage asks for time: what the page says meanwhile, and that it claims no step that is not taken. */

import { HandAgent } from './agent.ts'
import { expect, expectAccessibleEverywhere, test } from './fixtures.ts'
import { begin, MIB, reaches } from './platform.ts'

const WAITS = 'The backup storage asks us to slow down. It goes on by itself.'

test('that a storage is waited for is said in plain words, with the progress standing still', async ({ panel, customer, gateway, admin }) => {
  const agent = await HandAgent.start(gateway, admin, 'Zaandam 1', 'hv-zdm-01')
  const volume = await agent.makeVolume(customer, 'media-archive')
  await panel.goto(`/volumes/${volume.id}?tab=backups`)
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  const backup = await begin(customer, 'createBackup', { volumeId: volume.id, name: 'weekly' })
  const work = await agent.take()
  await agent.report(work, 'Exporting', 100 * MIB, 400 * MIB)
  const banner = panel.getByRole('region', { name: 'Current operation' })
  const bar = banner.getByRole('progressbar')
  await expect(bar).toHaveAttribute('aria-valuenow', '25')
  await expect(banner.locator('[aria-current=step]')).toHaveText('Exporting')

  await agent.report(work, 'The backup storage asks us to slow down', 100 * MIB, 400 * MIB)
  await expect(banner.getByText(WAITS).filter({ visible: true }).last()).toBeVisible()
  await expect(bar).toHaveAttribute('aria-valuenow', '25')
  await expect(bar).not.toHaveAttribute('aria-valuetext', /left$/)
  const steps = banner.getByRole('list', { name: 'Steps' }).getByRole('listitem')
  await expect(steps).toHaveText(['Queued', 'Preparing', 'Exporting'])
  await expect(banner.locator('[aria-current=step]')).toHaveText('Exporting')
  await expectAccessibleEverywhere(panel)
  // Whoever comes now is told of no step that nobody saw.
  await panel.reload()
  await expect(banner.getByText(WAITS).last()).toBeVisible()
  await expect(banner.locator('[aria-current=step]')).toHaveCount(0)
  await expect(banner.getByText(/No progress/)).toHaveCount(0)

  await agent.report(work, 'Exporting', 200 * MIB, 400 * MIB)
  await expect(bar).toHaveAttribute('aria-valuenow', '50')
  await expect(banner.getByText(WAITS)).toHaveCount(0)
  await agent.complete(work, { storedBytes: 200 * MIB, checksum: 'blake3:00' })
  await reaches(customer, backup, 'COMPLETED')
  await expect(banner.getByText('Backup created', { exact: true })).toBeVisible()
})
