/** Keeps which journeys failed once and passed when they were run again, for scripts/flaky to list at the end. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import type { FullConfig, Reporter, Suite } from '@playwright/test/reporter'

/** Beside the journeys' own results, which are emptied when they begin. */
const FILE = resolve(import.meta.dirname, '../test-results/flaky.json')
// oxlint-disable-next-line no-control-regex
const COLOURS = /\x1b\[[0-9;]*m/g

export default class Flaky implements Reporter {
  private suite: Suite | undefined

  onBegin(_config: FullConfig, suite: Suite): void {
    this.suite = suite
  }

  onEnd(): void {
    const flaky = (this.suite?.allTests() ?? []).filter((test) => test.outcome() === 'flaky')
    const listed = flaky.map((test) => {
      const failed = test.results.filter(({ status }) => status !== test.expectedStatus)
      const said = failed.flatMap(({ errors, stdout, stderr }) => {
        const faults = errors.map(({ stack, message, snippet }) => [stack ?? message, snippet].filter(Boolean).join('\n'))
        return faults.concat(stdout.map(String), stderr.map(String))
      })
      return { name: test.titlePath().filter(Boolean).join(' › '), output: said.join('\n').replaceAll(COLOURS, '') }
    })
    mkdirSync(dirname(FILE), { recursive: true })
    writeFileSync(FILE, JSON.stringify(listed))
  }
}
