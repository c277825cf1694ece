/** Over a slow line, answers come late and events out of order: what an operation is said to be only goes forward. */

import type { Page } from '@playwright/test'

import { expect, makeVolume, test } from './fixtures.ts'
import { send } from './platform.ts'
import { record, slowDown } from './recording.ts'

/** No jump that a reader would see. */
const MOST = 0.02

type Said = 'before' | 'asked' | 'queued' | 'running' | 'done' | 'other'
const ORDER: readonly Said[] = ['before', 'asked', 'queued', 'running', 'done']

/** What is said of an operation as time goes by: nothing goes back, and nothing that was said before comes again. */
function expectForward(states: readonly Said[], seen: string): void {
  expect(states, seen).toEqual(ORDER.filter((one) => states.includes(one)))
}

/** What each frame says of the operation that has these words and is about that. */
function said(frames: { title: string; line: string }[], running: string, done: string, subject: string): Said[] {
  const all = frames.map(({ title, line }): Said => {
    if (title === `${done} · ${subject}`) return 'done'
    if (title !== `${running} · ${subject}`) return 'before'
    return line === 'It is being asked for.' ? 'asked' : line.startsWith('Queued.') ? 'queued' : 'running'
  })
  return all.filter((one, i) => one !== all[i - 1])
}

/** Does it, waits for its end, and judges what was seen meanwhile. */
async function follow(page: Page, [running, done, subject]: [running: string, done: string, subject: string], act: () => Promise<void>): Promise<void> {
  const banner = page.getByRole('region', { name: 'Current operation' })
  const { frames, shift, jumps } = await record(page, async () => {
    await act()
    await expect(banner.getByText(`${done} · ${subject}`)).toBeVisible()
  })
  const states = said(frames, running, done, subject)
  expectForward(states, `${running}: ${JSON.stringify(frames)}`)
  expect(states.at(-1)).toBe('done')
  expect(shift, `${running} jumps: ${jumps.join('; ')}`).toBeLessThan(MOST)
}

test('of every kind of operation, the banner only goes forward, and nothing jumps', async ({ panel, customer }) => {
  test.setTimeout(360_000)
  const main = panel.getByRole('main')
  const confirm = async (name: string) => {
    await panel.getByLabel(`Type ${name} to confirm`).fill(name)
    await panel.keyboard.press('Enter')
  }
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await slowDown(panel)

  for (const name of ['monday', 'tuesday']) {
    await follow(panel, ['Taking snapshot', 'Snapshot taken', name], async () => {
      await main.getByRole('button', { name: /^Take (the first )?snapshot$/ }).click()
      await panel.getByLabel('Name').fill(name)
      await panel.keyboard.press('Enter')
    })
  }
  await follow(panel, ['Rolling back', 'Rolled back', 'monday'], async () => {
    await panel.getByRole('button', { name: 'Restore monday' }).click()
    await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
    await confirm(customer.volume.name)
  })
  await follow(panel, ['Deleting snapshot', 'Snapshot deleted', 'monday'], async () => {
    await panel.getByRole('button', { name: 'Delete monday' }).click()
    await confirm('monday')
  })
  await panel.getByRole('tab', { name: /^Backups/ }).click()
  for (const name of ['weekly', 'monthly']) {
    await follow(panel, ['Creating backup', 'Backup created', name], async () => {
      await main.getByRole('button', { name: /^Create (the first )?backup$/ }).click()
      await panel.getByLabel('Name').fill(name)
      await panel.keyboard.press('Enter')
    })
  }
  await follow(panel, ['Rolling back', 'Rolled back', 'weekly'], async () => {
    await panel.getByRole('button', { name: 'Restore weekly' }).click()
    await panel.getByRole('radio', { name: 'Roll back this volume' }).click()
    await confirm(customer.volume.name)
  })
  await follow(panel, ['Deleting backup', 'Backup deleted', 'weekly'], async () => {
    await panel.getByRole('button', { name: 'Delete weekly' }).click()
    await confirm('weekly')
  })
  await follow(panel, ['Restoring to a new volume', 'Restored to a new volume', 'monthly'], async () => {
    await panel.getByRole('button', { name: 'Restore monthly' }).click()
    await panel.getByRole('dialog').getByRole('button', { name: 'Create volume' }).click()
    await expect(panel.getByRole('heading', { level: 1, name: 'orders-db-data-restored' })).toBeVisible()
  })
  await panel.goto(`/volumes/${customer.volume.id}`)
  await follow(panel, ['Restoring to a new volume', 'Restored to a new volume', 'tuesday'], async () => {
    await panel.getByRole('button', { name: 'Restore tuesday' }).click()
    await panel.getByRole('dialog').getByLabel('Name').fill('orders-db-copy')
    await panel.getByRole('dialog').getByRole('button', { name: 'Create volume' }).click()
    await expect(panel.getByRole('heading', { level: 1, name: 'orders-db-copy' })).toBeVisible()
  })
  await panel.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Volumes' }).click()
  await follow(panel, ['Creating volume', 'Volume created', 'reports'], async () => {
    await main.getByRole('button', { name: 'Create volume' }).click()
    await panel.getByRole('dialog').getByLabel('Name').fill('reports')
    await panel.keyboard.press('Enter')
    await expect(panel.getByRole('heading', { level: 1, name: 'reports' })).toBeVisible()
  })
})

test('a volume that is deleted goes from its page to the list, and from there', async ({ panel, customer }) => {
  const other = await makeVolume(customer.api, 'reports')
  await panel.goto(`/volumes/${other.id}?tab=settings`)
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await slowDown(panel)
  const { shift, jumps } = await record(panel, async () => {
    await panel.getByRole('button', { name: 'Delete volume…' }).click()
    await panel.getByLabel('Type reports to confirm').fill('reports')
    await panel.keyboard.press('Enter')
    await expect(panel.getByRole('table', { name: 'Volumes' })).toBeVisible()
    await expect(panel.getByRole('row', { name: /reports/ })).toBeHidden()
  })
  expect(shift, jumps.join('; ')).toBeLessThan(MOST)
  await panel.goBack()
  await expect(panel.getByText('There is no such volume')).toBeVisible()
})

test('whoever looks at a volume while another deletes it sees it going, and gone', async ({ panel, customer }) => {
  const other = await makeVolume(customer.api, 'reports')
  await panel.goto(`/volumes/${other.id}`)
  await expect(panel.getByText('No snapshots yet')).toBeVisible()
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await slowDown(panel)
  const { frames } = await record(panel, async () => {
    await send(customer, 'deleteVolume', { volumeId: other.id, confirmName: 'reports' })
    await expect(panel.getByText('There is no such volume')).toBeVisible()
  })
  // At the end the page says that there is no such volume, and has no banner.
  const states = said(frames.filter(({ title }) => title !== ''), 'Deleting volume', 'Volume deleted', 'reports')
  expect(states).toContain('running')
  expectForward(states, JSON.stringify(frames))
})
