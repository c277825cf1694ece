/** What axe-core finds on a page, in both themes and from the narrowest to the widest window; and how one gets about without a mouse. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

import { expect, type Locator, type Page } from '@playwright/test'

const AXE = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const THEMES = ['light', 'dark'] as const
const WIDTHS = [320, 768, 1024, 1920]

/** No violation of WCAG 2.2 AA or of best practices, and no sideways scroll. */
export async function expectAccessible(page: Page): Promise<void> {
  // A page that was loaded anew has lost it.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await AXE)
  const found = await page.evaluate(async (tags) => {
    interface Violation { id: string; nodes: { html: string; failureSummary: string }[] }
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<{ violations: Violation[] }> } }
    // Colours are judged when they stand, also those of what changes meanwhile.
    const still = new CSSStyleSheet()
    still.replaceSync('*, ::before, ::after { transition: none !important }')
    document.adoptedStyleSheets = [still]
    const moving = document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity)
    await Promise.allSettled(moving.map((one) => one.finished))
    const { violations } = await axe.run({ runOnly: tags, resultTypes: ['violations'] })
    document.adoptedStyleSheets = []
    return {
      violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`),
      sideways: document.documentElement.scrollWidth - window.innerWidth,
    }
  }, RULES)
  expect(found.violations).toEqual([])
  expect(found.sideways).toBeLessThanOrEqual(0)
}

/** Presses Tab until the focus is there, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' | 'ArrowUp' = 'Tab'): Promise<void> {
  await expect(target).toBeVisible()
  for (let presses = 0; presses < 60; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press(key)
  }
  throw new Error(`the focus does not reach ${target}`)
}

/** Accessible as it is now, in both themes and at all widths. */
export async function expectAccessibleEverywhere(page: Page, widths: readonly number[] = WIDTHS): Promise<void> {
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme })
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 })
      await expectAccessible(page)
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1360, height: 860 })
}
