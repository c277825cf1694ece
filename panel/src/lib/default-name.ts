/** The names of items and volumes that their owner does not name, after the volume they come from; none is longer than `most` characters. */

/** "orders-db-data-20261122-2041", in the viewer's zone; "…-2041-2" where one of `taken` is called so. */
export function defaultName(volumeName: string, now: number, most: number, taken: readonly string[] = []): string {
  const at = new Date(now)
  const date = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`
  const suffix = `-${date}-${two(at.getHours())}${two(at.getMinutes())}`
  return unlike(taken, (more) => withSuffix(volumeName, suffix + more, most))
}

/** "orders-db-data-restored"; "…-restored-2" where one of `taken` is called so. */
export function restoredName(volumeName: string, most: number, taken: readonly string[] = []): string {
  return unlike(taken, (more) => withSuffix(volumeName, `-restored${more}`, most))
}

/** The first name of which there is none yet: alone, then with "-2", "-3" behind it. */
function unlike(taken: readonly string[], name: (more: string) => string): string {
  for (let number = 1; ; number += 1) {
    const one = name(number === 1 ? '' : `-${number}`)
    if (!taken.includes(one)) return one
  }
}

function withSuffix(volumeName: string, suffix: string, most: number): string {
  // Counted in characters, not in halves of them.
  return Array.from(volumeName).slice(0, most - suffix.length).join('') + suffix
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
