/** The names of items and volumes that their owner does not name, after the volume they come from. */

const LONGEST = 128

/** "orders-db-data-20261122-2041", in the viewer's zone. */
export function defaultName(volumeName: string, now: number): string {
  const at = new Date(now)
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return withSuffix(volumeName, `-${date}-${two(at.getHours())}${two(at.getMinutes())}`)
}

/** "orders-db-data-restored". */
export function restoredName(volumeName: string): string {
  return withSuffix(volumeName, '-restored')
}

function withSuffix(volumeName: string, suffix: string): string {
  // Counted in characters, not in halves of them.
  return Array.from(volumeName).slice(0, LONGEST - suffix.length).join('') + suffix
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
