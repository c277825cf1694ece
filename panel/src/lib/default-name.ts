/** The names of items and volumes that their owner does not name, after the volume they come from; none is longer than `most` characters. */

/** "orders-db-data-20261122-2041", in the viewer's zone. */
export function defaultName(volumeName: string, now: number, most: number): string {
  const at = new Date(now)
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return withSuffix(volumeName, `-${date}-${two(at.getHours())}${two(at.getMinutes())}`, most)
}

/** "orders-db-data-restored". */
export function restoredName(volumeName: string, most: number): string {
  return withSuffix(volumeName, '-restored', most)
}

function withSuffix(volumeName: string, suffix: string, most: number): string {
  // Counted in characters, not in halves of them.
  return Array.from(volumeName).slice(0, most - suffix.length).join('') + suffix
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
