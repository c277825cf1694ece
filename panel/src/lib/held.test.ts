import { expect, test } from 'vitest'

import { failureWords, heldWords } from './held'

const NOW = Date.UTC(2026, 10, 22, 12)

test('until when a volume is held at the latest is told, as long as it is', () => {
  const until = new Date(NOW + 64_000).toISOString()
  expect(heldWords(until, NOW, 'UTC')).toBe('The volume stays held until its agent has stopped, until 12:01:04 at the latest.')
  expect(heldWords(until, NOW + 64_000, 'UTC')).toBe('')
  expect(heldWords(null, NOW)).toBe('')
})

test('"released" is said of what is free only', () => {
  for (const code of ['TIMED_OUT', 'FAILED_BY_ADMINISTRATOR']) {
    expect(failureWords(code, false)).toContain('released')
    expect(failureWords(code, true)).not.toContain('released')
  }
  expect(failureWords('DELETE_REFUSED', false)).toBe('Nothing of it was removed: it is as it was.')
  expect(failureWords('IMAGE_DAMAGED', false)).toContain('backup')
  expect(failureWords('STORAGE', false)).toBe('')
})
