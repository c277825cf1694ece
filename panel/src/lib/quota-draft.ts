/** What is typed of an account's limits, and what of it is sent. */

import { formatBytes, GIB } from './bytes'
import { counted } from './pages'

export interface AccountLimits {
  volumeLimit: number
  volumeBytesLimit: number
}

export interface QuotaDraft {
  volumes: string
  /** In GiB. */
  gibibytes: string
}

export function quotaDraftOf({ volumeLimit, volumeBytesLimit }: AccountLimits): QuotaDraft {
  return { volumes: String(volumeLimit), gibibytes: String(Math.round((volumeBytesLimit / GIB) * 1000) / 1000) }
}

/** What has changed: null for what is as the platform has it. Undefined while a limit is no number. */
export function limitsInput(draft: QuotaDraft, known: AccountLimits): { volumeLimit?: number | null; volumeBytesLimit?: number | null } | undefined {
  const before = quotaDraftOf(known)
  const volumeLimit = read(draft.volumes, 1)
  const volumeBytesLimit = read(draft.gibibytes, GIB)
  if (volumeLimit === undefined || volumeBytesLimit === undefined || (volumeLimit !== null && !Number.isInteger(Number(draft.volumes)))) return undefined
  return {
    ...(draft.volumes.trim() !== before.volumes && { volumeLimit }),
    ...(draft.gibibytes.trim() !== before.gibibytes && { volumeBytesLimit }),
  }
}

/** What other limits do, in sentences: what is there stays. */
export function quotaEffects(known: AccountLimits & { volumeCount: number; volumeBytes: number }, limits: ReturnType<typeof limitsInput>): string[] {
  const { volumeLimit, volumeBytesLimit } = limits ?? {}
  return [
    ...effect('As many volumes', known.volumeLimit, volumeLimit, known.volumeCount, (count) => counted(count, 'volume')),
    ...effect('As much storage', known.volumeBytesLimit, volumeBytesLimit, known.volumeBytes, formatBytes),
  ]
}

function effect(most: string, before: number, after: number | null | undefined, has: number, format: (value: number) => string): string[] {
  if (after === undefined) return []
  if (after === null) return [`${most} as the platform allows, at once.`]
  const above = has > after ? ` It has ${format(has)}: that stays, but it can’t add.` : ''
  return [`At most ${format(after)} instead of ${format(before)}, at once.${above}`]
}

/** A number from 0 in units; null for none, undefined for what is none. */
function read(text: string, unit: number): number | null | undefined {
  const value = text.trim()
  if (value === '') return null
  const number = /^\d+(\.\d+)?$/.test(value) ? Math.round(Number(value) * unit) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}
