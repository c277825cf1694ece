/** Journeys in a real browser against the real gateway, which the tests start themselves. */

import { existsSync } from 'node:fs'

import { defineConfig } from '@playwright/test'

// Chromium without its own windows, menus and services, which take more of the processors than the panel does.
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell'
const CHROMIUM = existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : '/usr/bin/chromium'

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  // Long enough for a machine that is busy with other things: no journey is about speed.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  fullyParallel: false,
  workers: 2,
  // In CI one that fails is taken once more: where it passes then, `scripts/test` lists it as FLAKY at the end.
  retries: process.env['CI'] ? 1 : 0,
  forbidOnly: Boolean(process.env['CI']),
  reporter: [['list'], ['./tools/flaky.ts']],
  use: {
    viewport: { width: 1360, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    // Recording costs more than the journeys themselves: `--trace on` where one has to be looked into.
    trace: 'off',
    // What spins and slides takes the processors that the gateways work with. Some journeys go with motion.
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? CHROMIUM,
      // As root, Chromium has no sandbox.
      chromiumSandbox: process.getuid?.() !== 0,
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
