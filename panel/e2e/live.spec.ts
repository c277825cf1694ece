/** The panel is right without a reload: in two browsers, after a reload, after a crash of the gateway. */

import type { WebSocketRoute } from '@playwright/test'

import { HandAgent } from './agent.ts'
import { breakStream, loseAnswer, loseEvents } from './faults.ts'
import { anotherBrowser, expect, makeItem, makeVolume, test } from './fixtures.ts'
import { begin } from './platform.ts'

test('what one browser starts, the other shows', async ({ panel, customer, baseURL, context }) => {
  const other = await anotherBrowser(context, customer, String(baseURL))
  await other.goto(`/volumes/${customer.volume.id}`)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take the first snapshot' }).click()
  await panel.getByLabel('Name').fill('seen-by-both')
  await panel.keyboard.press('Enter')
  for (const page of [panel, other]) {
    await expect(page.getByRole('row', { name: /seen-by-both/ })).toContainText('Available')
    await expect(page.getByRole('region', { name: 'Current operation' }).getByText('Snapshot taken', { exact: true })).toBeVisible()
  }
  await panel.reload()
  await expect(panel.getByRole('region', { name: 'Current operation' }).getByText('Snapshot taken', { exact: true })).toBeVisible()
  await other.context().close()
})

test('what happened between the first answer and the first moment of the link is shown, too', async ({ panel, customer }) => {
  let link = () => {}
  const linked = new Promise<void>((resolve) => {
    link = resolve
  })
  await panel.routeWebSocket('**/graphql/ws', async (socket) => {
    await linked
    socket.connectToServer()
  })
  await panel.goto('/volumes')
  await expect(panel.getByRole('row', { name: /orders-db-data/ })).toBeVisible()
  await makeVolume(customer.api, 'meanwhile')
  await expect(panel.getByRole('row', { name: /meanwhile/ })).toBeHidden()
  link()
  await expect(panel.getByRole('row', { name: /meanwhile/ })).toContainText('Available')
})

test('where the event of an operation’s end is lost, the page finds out by itself', async ({ panel, customer, gateway, admin }) => {
  const agent = await HandAgent.start(gateway, admin, 'Silent place', 'vm-host-silent')
  await loseEvents(panel, 'COMPLETED')
  await panel.goto('/volumes')
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  await begin(customer, 'createVolume', { name: 'archive', planId: agent.planId, hypervisorGroupId: agent.groupId })
  const work = await agent.take()
  const row = panel.getByRole('row', { name: /archive/ })
  await expect(row).toContainText('Creating')
  await agent.complete(work)
  await expect(row).toContainText('Available')
})

test('where a stream breaks off, the page begins it again', async ({ panel, customer }) => {
  await breakStream(panel, 'OperationEvents')
  await panel.goto('/volumes')
  await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  for (const name of ['archive', 'reports']) {
    await makeVolume(customer.api, name)
    await expect(panel.getByRole('row', { name: new RegExp(name) })).toContainText('Available', { timeout: 10_000 })
  }
})

test.describe('without a network', () => {
  test.use({ expectedErrors: /WebSocket connection .* failed|ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED)/ })

  test('a lost network is told, and what was missed is there when it comes back', async ({ panel, customer, context }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
    await context.setOffline(true)
    await expect(panel.getByText('Reconnecting…')).toBeVisible()
    await makeItem(customer, 'snapshot', 'meanwhile')
    await expect(panel.getByText('No snapshots yet')).toBeVisible()
    await context.setOffline(false)
    await expect(panel.getByRole('row', { name: /meanwhile/ })).toBeVisible()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  })
})

test.describe('over a crash of the gateway', () => {
  test.use({ expectedErrors: /WebSocket connection .* failed|ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/ })

  test('a page whose answer was lost in a crash shows itself when the gateway is back', async ({ panel, customer, gateway }) => {
    // The link begins to work only when the gateway is back: with one that works before, the page has healed already.
    let back = false
    const waiting: WebSocketRoute[] = []
    await panel.routeWebSocket('**/graphql/ws', (socket) => void (back ? socket.connectToServer() : waiting.push(socket)))
    await loseAnswer(panel, 'Volume')
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('The server does not answer.')).toBeVisible()
    await gateway.kill()
    await gateway.run()
    back = true
    for (const socket of waiting) await socket.close({ code: 1012, reason: 'the gateway starts again' })
    await expect(panel.getByRole('heading', { level: 1, name: customer.volume.name })).toBeVisible()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
  })

  test('whoever does not want to wait for the next try has one now', async ({ panel, customer }) => {
    let away = true
    let tries = 0
    await panel.routeWebSocket('**/graphql/ws', (socket) => {
      tries += 1
      if (away) void socket.close({ code: 1012, reason: 'the gateway is away' })
      else socket.connectToServer()
    })
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('Reconnecting…')).toBeVisible()
    // After the sixth it waits for longer than ten seconds.
    await expect.poll(() => tries).toBeGreaterThanOrEqual(6)
    away = false
    await panel.getByRole('button', { name: 'Try now' }).click()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible({ timeout: 8_000 })
    await expect(panel.getByRole('button', { name: 'Try now' })).toHaveCount(0)
  })

  test('a gateway that crashes and comes back is found again', async ({ panel, customer, gateway }) => {
    await panel.goto(`/volumes/${customer.volume.id}`)
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
    await gateway.kill()
    await expect(panel.getByText('Reconnecting…')).toBeVisible()
    await gateway.run()
    await expect(panel.getByText('Live', { exact: true })).toBeVisible()
    await makeItem(customer, 'snapshot', 'after-the-crash')
    await expect(panel.getByRole('row', { name: /after-the-crash/ })).toContainText('Available')
  })
})
