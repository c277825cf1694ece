/** What is typed of an account's limits, and what of it is sent. */

import { GIB } from './bytes'

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

/** A number from 0 in units; null for none, undefined for what is none. */
function read(text: string, unit: number): number | null | undefined {
  const value = text.trim()
  if (value === '') return null
  const number = /^\d+(\.\d+)?$/.test(value) ? Math.round(Number(value) * unit) : Number.NaN
  return Number.isSafeInteger(number) ? number : undefined
}
