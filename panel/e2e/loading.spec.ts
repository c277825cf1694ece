/** What it takes to open the panel. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import { expect, signIn, test } from './fixtures.ts'

const DIST = resolve(import.meta.dirname, '../dist')

test('the first screen needs at most 200 KiB of JavaScript, compressed by gzip', async ({ page, customer }, testInfo) => {
  await signIn(page, customer)
  const scripts = new Set<string>()
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (pathname.endsWith('.js')) scripts.add(pathname)
  })
  await page.goto('/volumes')
  await expect(page.getByRole('link', { name: customer.volume.name })).toBeVisible()
  let bytes = 0
  for (const path of scripts) {
    const file = resolve(DIST, `.${path}`)
    bytes += (await stat(`${file}.gz`).catch(() => stat(file))).size
  }
  testInfo.annotations.push({ type: 'initial JavaScript', description: `${(bytes / 1024).toFixed(1)} KiB` })
  expect(scripts.size).toBeGreaterThan(1)
  expect(bytes).toBeLessThanOrEqual(200 * 1024)
})

test('the largest paint comes soon, and nothing shifts', async ({ page, customer }, testInfo) => {
  await signIn(page, customer)
  await page.goto(`/volumes/${customer.volume.id}`)
  await expect(page.getByText('No snapshots yet')).toBeVisible()
  const { paint, shift } = await page.evaluate(
    () =>
      new Promise<{ paint: number; shift: number }>((done) => {
        let moved = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) moved += (entry as PerformanceEntry & { value: number }).value
        }).observe({ type: 'layout-shift', buffered: true })
        new PerformanceObserver((list) => {
          const last = list.getEntries().at(-1)
          requestAnimationFrame(() => done({ paint: last?.startTime ?? Infinity, shift: moved }))
        }).observe({ type: 'largest-contentful-paint', buffered: true })
      }),
  )
  testInfo.annotations.push({ type: 'largest contentful paint', description: `${Math.round(paint)} ms, layout shift ${shift.toFixed(4)}` })
  expect(paint).toBeLessThan(2_500)
  expect(shift).toBeLessThan(0.1)
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
