/** A list that the server pages, for screens whose page need not stand in the URL. */

import { useState } from 'react'

import { type Cursors, neighbours, pageArguments } from '~/lib/pages'

type PageInfo = Parameters<typeof neighbours>[0]

export function usePages() {
  const [cursors, setCursors] = useState<Cursors>({})
  return {
    variables: pageArguments(cursors),
    /** The handlers of a `<Pager>`. */
    steps(info: PageInfo | undefined) {
      if (!info) return {}
      const { previous, next } = neighbours(info)
      return {
        onPrevious: previous && (() => setCursors(previous)),
        onNext: next && (() => setCursors(next)),
      }
    },
    /** Back to the first page, as when the filter changes. */
    reset: () => setCursors({}),
  }
}
