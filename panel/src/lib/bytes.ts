/** Numbers of bytes for people: binary units, three significant digits. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

export const GIB = 2 ** 30

/** What stands where a value is not known. */
export const UNKNOWN = '—'

/** "840 MiB", "3.42 GiB", "40 GiB": trailing zeros only when the number is not whole. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes == null) return UNKNOWN
  let value = bytes
  let unit = 0
  // 999.6 of a unit would round to four digits: it is nearly one of the next.
  while (unit < UNITS.length - 1 && value >= 999.5) {
    value /= 1024
    unit += 1
  }
  return `${significant(value)} ${UNITS[unit]}`
}

/** "208 MiB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`
}

function significant(value: number): string {
  if (Number.isInteger(value)) return String(value)
  if (value >= 99.95) return String(Math.round(value))
  if (value >= 9.995) return value.toFixed(1)
  return value.toFixed(2)
}
