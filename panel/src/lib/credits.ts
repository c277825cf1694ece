/** Credits: exact decimals, as the API writes them. They are computed with as whole numbers, never as floats. */

import { GIB } from './bytes'

/** How many digits behind the point an amount has. */
const DIGITS = 12
const ONE = 10n ** BigInt(DIGITS)
/** The hours of a month, as rates count them. */
const MONTH_HOURS = 730n

/** A decimal in units of 10⁻¹². */
export function units(decimal: string): bigint {
  const [, sign, whole = '0', part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? []
  const value = BigInt(whole + part.slice(0, DIGITS).padEnd(DIGITS, '0'))
  return sign === '-' ? -value : value
}

/** Units of 10⁻¹² as a decimal, without zeros behind that mean nothing. */
export function asDecimal(value: bigint): string {
  const text = String(value < 0n ? -value : value).padStart(DIGITS + 1, '0')
  const whole = text.slice(0, -DIGITS)
  const part = text.slice(-DIGITS).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${whole}${part && `.${part}`}`
}

/** `dividend / divisor`, both from 0: rounded half to even, as the gateway does. */
function halfEven(dividend: bigint, divisor: bigint): bigint {
  const whole = dividend / divisor
  const twice = (dividend % divisor) * 2n
  return twice > divisor || (twice === divisor && whole % 2n === 1n) ? whole + 1n : whole
}

/** What `bytes` cost a month at `perGib` credits. */
export function monthlyCredits(bytes: number, perGib: string): string {
  return asDecimal(halfEven(BigInt(bytes) * units(perGib), BigInt(GIB)))
}

/** What byte-hours cost at `perGib` credits a month: one division, one rounding. */
export function creditsOf(byteHours: string, perGib: string): string {
  return asDecimal(halfEven(BigInt(byteHours) * units(perGib), BigInt(GIB) * MONTH_HOURS))
}

/** Whether two decimals are the same number. */
export function isSame(a: string, b: string): boolean {
  return units(a) === units(b)
}

/** "0.80 cr", "0.0042 cr", "Free". */
export function formatCredits(credits: string): string {
  return isSame(credits, '0') ? 'Free' : formatAmount(credits)
}

/** "0.80 cr", "0.0042 cr", "0.00 cr": of a sum, which may be nothing without being free. */
export function formatAmount(credits: string): string {
  const value = units(credits)
  const size = value < 0n ? -value : value
  const sign = value < 0n ? '−' : ''
  if (size > 0n && size < ONE / 10_000n) return `${sign}< 0.0001 cr`
  const digits = size > 0n && size < ONE / 100n ? 4 : 2
  const rounded = String(halfEven(size, 10n ** BigInt(DIGITS - digits))).padStart(digits + 1, '0')
  return `${sign}${rounded.slice(0, -digits)}.${rounded.slice(-digits)} cr`
}

/** "0.12 cr so far": what an item has cost; nothing where that is nothing. */
export function soFar(cost: { soFar: string }): string | undefined {
  return isSame(cost.soFar, '0') ? undefined : `${formatAmount(cost.soFar)} so far`
}

/** What a plan charges for each GiB a month: "0.05 cr per GiB", "Free". */
export function formatCreditRate(perGib: string): string {
  return isSame(perGib, '0') ? 'Free' : `${perGib} cr per GiB`
}

/** How large `part` is beside `most`, from 0 to 1: for drawings alone. */
export function shareOf(part: string, most: string): number {
  const whole = units(most)
  return whole === 0n ? 0 : Number((units(part) * 10_000n) / whole) / 10_000
}

/** Why a price cannot be saved; undefined for one that can. */
export function priceProblem(text: string): string | undefined {
  const value = text.trim().replace(',', '.')
  const [, sign, whole, part = ''] = /^(-?)(\d*)(?:\.(\d*))?$/.exec(value) ?? []
  if (whole === undefined || `${whole}${part}` === '') return 'A number such as 0.05. 0 is free.'
  if (sign === '-') return 'A price is never below 0.'
  if (whole.replace(/^0+/, '').length > DIGITS || part.replace(/0+$/, '').length > DIGITS) return 'At most 12 digits on each side of the point.'
  return undefined
}
