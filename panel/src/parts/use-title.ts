/** The document's title: what is on the screen first, the product last. */

import { useEffect } from 'react'

export function useTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Tidemark'].join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
}
