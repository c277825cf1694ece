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

/** "7,300 GiB-h", "0.25 GiB-h": byte-hours, a whole number of any size. */
export function formatByteHours(byteHours: string): string {
  const hundredths = (BigInt(byteHours) * 100n + BigInt(GIB / 2)) / BigInt(GIB)
  const hours = Number(hundredths) / 100
  if (hours === 0) return BigInt(byteHours) === 0n ? UNKNOWN : '< 0.01 GiB-h'
  return `${new Intl.NumberFormat('en-GB', { maximumFractionDigits: hours < 10 ? 2 : hours < 100 ? 1 : 0 }).format(hours)} GiB-h`
}
