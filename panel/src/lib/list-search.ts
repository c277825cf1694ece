/** What of a plain list stands in its URL: the account it is narrowed to, and the page. */

import { type Cursors, readCursors } from './pages'

export interface ListSearch extends Cursors {
  account?: string
}

export function readListSearch(search: Record<string, unknown>): ListSearch {
  const { account } = search
  return typeof account === 'string' && account !== '' ? { account, ...readCursors(search) } : readCursors(search)
}
