/** Measurements in a real browser against the real gateway. They print Markdown, and judge nothing. */

import { defineConfig } from '@playwright/test'

import journeys from '../playwright.config.ts'

export default defineConfig(journeys, {
  testDir: '.',
  testMatch: '*.bench.ts',
  outputDir: '../test-results',
  workers: 1,
  reporter: [['./markdown.ts']],
  use: { contextOptions: { reducedMotion: 'no-preference' } },
})
