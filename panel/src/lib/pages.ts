/** Pages by cursor: which part of a list is asked for. */

export const PAGE = 25

export interface Cursors {
  after?: string
  before?: string
}

/** The cursors of a URL. */
export function readCursors(search: Record<string, unknown>): Cursors {
  const { after, before } = search
  if (typeof after === 'string') return { after }
  return typeof before === 'string' ? { before } : {}
}

/** The arguments of a connection. */
export function pageArguments({ after, before }: Cursors) {
  if (before !== undefined) return { last: PAGE, before }
  return after === undefined ? { first: PAGE } : { first: PAGE, after }
}

interface PageInfo {
  hasNextPage: boolean
  hasPreviousPage: boolean
  startCursor: string | null
  endCursor: string | null
}

/** Where the neighbours of a page begin; undefined where there are none. */
export function neighbours(info: PageInfo): { previous?: Cursors; next?: Cursors } {
  return {
    previous: info.hasPreviousPage && info.startCursor !== null ? { before: info.startCursor } : undefined,
    next: info.hasNextPage && info.endCursor !== null ? { after: info.endCursor } : undefined,
  }
}

/** "1 volume", "37 volumes". */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
