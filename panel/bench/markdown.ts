/** Prints what the measurements noted, as the rows of a table. */

import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter'

export default class Markdown implements Reporter {
  onBegin(): void {
    process.stdout.write('| what | measured |\n|---|---:|\n')
  }

  onTestEnd(test: TestCase, { status, errors, annotations }: TestResult): void {
    for (const { type, description } of annotations) process.stdout.write(`| ${type} | ${description} |\n`)
    if (status !== 'passed') process.stderr.write(`${test.title}: ${errors.map(({ message }) => message).join('\n')}\n`)
  }

  printsToStdio(): boolean {
    return true
  }
}
