/** What a page shows frame by frame, and how far things on it jump that nobody touched. */

import type { Page } from '@playwright/test'

interface Recording {
  /** What the banner said, each once: its title, and the line below it. */
  frames: { title: string; line: string }[]
  /** The sum of all layout shifts but those right after a click or a key. */
  shift: number
  /** What jumped, and by how much each. */
  jumps: string[]
}

interface Shift {
  value: number
  hadRecentInput: boolean
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[]
}

/** A slow line: what is asked takes more than half a second, and large answers longer. */
export async function slowDown(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 600, downloadThroughput: 50_000, uploadThroughput: 50_000 })
}

/** Records the banner while something is done, and for a moment after it. */
export async function record(page: Page, act: () => Promise<void>): Promise<Recording> {
  await page.evaluate(() => {
    const recording: Recording & { stop: () => void } = { frames: [], shift: 0, jumps: [], stop: () => {} }
    const observer = new PerformanceObserver((list) => {
      for (const { value, hadRecentInput, sources } of list.getEntries() as unknown as Shift[]) {
        if (hadRecentInput) continue
        recording.shift += value
        recording.jumps.push(`${value.toFixed(4)}: ${sources.map(({ node, previousRect, currentRect }) => `${node?.textContent?.slice(0, 30)} ${previousRect.top} to ${currentRect.top}`).join(', ')}`)
      }
    })
    observer.observe({ type: 'layout-shift' })
    const look = () => {
      const banner = document.querySelector('[aria-label="Current operation"]')
      const [title = '', line = ''] = [...(banner?.querySelectorAll('p:not([role=status])') ?? [])].map((p) => p.textContent)
      const last = recording.frames.at(-1)
      if (title !== last?.title || line !== last.line) recording.frames.push({ title, line })
      frame = requestAnimationFrame(look)
    }
    let frame = requestAnimationFrame(look)
    recording.stop = () => {
      cancelAnimationFrame(frame)
      observer.disconnect()
    }
    Object.assign(window, { recording })
  })
  await act()
  // Answers that are under way are late ones now.
  await page.waitForTimeout(2_000)
  return page.evaluate(() => {
    const { recording } = window as unknown as { recording: Recording & { stop: () => void } }
    recording.stop()
    return { frames: recording.frames, shift: recording.shift, jumps: recording.jumps }
  })
}
