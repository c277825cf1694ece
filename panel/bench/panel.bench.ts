/** What it takes to open a volume's page with nothing in the browser's cache, and to follow a backup on it. */

import type { Browser, Page } from '@playwright/test'

import { beginSession, type Customer, expect, fill, limitBackups, makeItem, test } from '../e2e/fixtures.ts'
import { MIB } from '../e2e/platform.ts'

const OPENINGS = 7
/** How long a backup is followed, in milliseconds. */
const FOLLOWED = 15_000

test('opening the page of a volume', async ({ browser, baseURL, customer }, testInfo) => {
  await makeItem(customer, 'snapshot', 'before-upgrade')
  const openings: Opening[] = []
  for (let number = 0; number < OPENINGS; number += 1) openings.push(await open(browser, String(baseURL), customer))
  const of = (key: keyof Opening) => openings.map((one) => one[key]).toSorted((a, b) => a - b)
  const paints = of('paint')
  const note = (type: string, description: string) => testInfo.annotations.push({ type, description })
  note(`largest contentful paint, median of ${OPENINGS}`, `${Math.round(median(paints))} ms (${Math.round(paints[0] ?? 0)} to ${Math.round(paints.at(-1) ?? 0)})`)
  note('cumulative layout shift, the worst of them', (of('shift').at(-1) ?? 0).toFixed(4))
  note('JavaScript until then, compressed by gzip', `${((of('scriptBytes').at(-1) ?? 0) / 1024).toFixed(1)} KiB in ${of('scripts').at(-1)} files`)
  note('main thread until then, median', `${Math.round(median(of('busy')))} ms`)
})

test('following a backup', async ({ panel, customer, gateway, admin }, testInfo) => {
  await fill(gateway, customer.volume, 192)
  await limitBackups(admin, 8 * MIB)
  await panel.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await panel.getByRole('button', { name: 'Create the first backup' }).click()
  await panel.getByRole('button', { name: 'Create backup' }).click()
  await expect(panel.getByRole('progressbar')).toHaveAttribute('aria-valuetext', /left$/)
  const metrics = await watchMainThread(panel)
  const before = await metrics()
  await panel.evaluate((time) => new Promise((resolve) => setTimeout(resolve, time)), FOLLOWED)
  const after = await metrics()
  const time = after.at - before.at
  testInfo.annotations.push({ type: 'main thread while a backup’s progress streams', description: `${(((after.busy - before.busy) / time) * 100).toFixed(1)} %` })
  testInfo.annotations.push({ type: 'layouts a second meanwhile', description: ((after.layouts - before.layouts) / time).toFixed(1) })
})

interface Opening {
  /** Milliseconds. */
  paint: number
  busy: number
  shift: number
  scripts: number
  scriptBytes: number
}

async function open(browser: Browser, baseURL: string, customer: Customer): Promise<Opening> {
  const context = await browser.newContext({ baseURL })
  const page = await context.newPage()
  await beginSession(page, customer)
  const scripts = new Set<string>()
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (pathname.endsWith('.js')) scripts.add(pathname)
  })
  const metrics = await watchMainThread(page)
  await page.goto(`/volumes/${customer.volume.id}`)
  await expect(page.getByRole('row', { name: /before-upgrade/ })).toBeVisible()
  await page.waitForLoadState('networkidle')
  const { busy } = await metrics()
  const { paint, shift } = await page.evaluate(readPaints)
  let scriptBytes = 0
  for (const path of scripts) {
    const answer = await page.request.head(path, { headers: { 'accept-encoding': 'gzip' } })
    scriptBytes += Number(answer.headers()['content-length'])
  }
  await context.close()
  return { paint, shift, busy: busy * 1000, scripts: scripts.size, scriptBytes }
}

/** The last paint that was the largest so far, and all that moved. */
function readPaints(): Promise<{ paint: number; shift: number }> {
  return new Promise((done) => {
    let [paint, shift] = [0, 0]
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shift += (entry as PerformanceEntry & { value: number }).value
    }).observe({ type: 'layout-shift', buffered: true })
    new PerformanceObserver((list) => {
      paint = list.getEntries().at(-1)?.startTime ?? paint
    }).observe({ type: 'largest-contentful-paint', buffered: true })
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done({ paint, shift }), 100)))
  })
}

/** Reads, in seconds, how long the page's main thread has been busy so far. */
async function watchMainThread(page: Page): Promise<() => Promise<{ at: number; busy: number; layouts: number }>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0
    return { at: value('Timestamp'), busy: value('TaskDuration'), layouts: value('LayoutCount') }
  }
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
