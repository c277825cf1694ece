/** What it takes to open the panel. How long it takes is measured by `just bench-panel`. */

import { expect, signIn, test } from './fixtures.ts'

test('the first screen needs at most 200 KiB of JavaScript, compressed by gzip', async ({ panel, customer }, testInfo) => {
  const scripts = new Set<string>()
  panel.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (pathname.endsWith('.js')) scripts.add(pathname)
  })
  await panel.goto('/volumes')
  await expect(panel.getByRole('link', { name: customer.volume.name })).toBeVisible()
  let bytes = 0
  for (const path of scripts) {
    const answer = await panel.request.head(path, { headers: { 'accept-encoding': 'gzip' } })
    bytes += Number(answer.headers()['content-length'])
  }
  testInfo.annotations.push({ type: 'initial JavaScript', description: `${(bytes / 1024).toFixed(1)} KiB` })
  expect(scripts.size).toBeGreaterThan(1)
  expect(bytes).toBeGreaterThan(0)
  expect(bytes).toBeLessThanOrEqual(200 * 1024)
})

test('nothing shifts while it loads', async ({ panel, customer }) => {
  await panel.goto(`/volumes/${customer.volume.id}`)
  await expect(panel.getByText('No snapshots yet')).toBeVisible()
  const shift = await panel.evaluate(
    () =>
      new Promise<number>((done) => {
        let moved = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) moved += (entry as PerformanceEntry & { value: number }).value
        }).observe({ type: 'layout-shift', buffered: true })
        // What is buffered is told before the frame after the next.
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(moved))))
      }),
  )
  expect(shift).toBeLessThan(0.01)
})

test('nothing comes from elsewhere, and the policy forbids it', async ({ page, customer, baseURL }) => {
  const strangers: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(String(baseURL))) strangers.push(request.url())
  })
  const answer = await page.goto('/')
  expect(answer?.headers()['content-security-policy']).toContain("script-src 'self'")
  await signIn(page, customer, `/volumes/${customer.volume.id}`)
  await expect(page.getByText('No snapshots yet')).toBeVisible()
  expect(strangers).toEqual([])
})
