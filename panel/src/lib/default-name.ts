/** The name of an item that its owner does not name: the volume's and the time. */

const LONGEST = 128

/** "orders-db-data-20261122-2041", in the viewer's zone. */
export function defaultName(volumeName: string, now: number): string {
  const at = new Date(now)
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  const suffix = `-${date}-${two(at.getHours())}${two(at.getMinutes())}`
  // Counted in characters, not in halves of them.
  return Array.from(volumeName).slice(0, LONGEST - suffix.length).join('') + suffix
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
