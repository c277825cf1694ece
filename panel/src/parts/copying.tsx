/** Copying a text that is shown, and telling what came of it. */

import { useEffect, useRef, useState } from 'react'

import { copyText } from '~/lib/clipboard'

type Outcome = 'none' | 'copied' | 'selected'

const TOLD_FOR_MS = 3_000

/** Copies `text`, which the element with the reference `shown` shows. */
export function useCopying<Shown extends Element>(text: string) {
  const [outcome, setOutcome] = useState<Outcome>('none')
  const shown = useRef<Shown>(null)
  useEffect(() => {
    if (outcome !== 'copied') return
    const timer = setTimeout(() => setOutcome('none'), TOLD_FOR_MS)
    return () => clearTimeout(timer)
  }, [outcome])
  const copy = () => void copyText(text, shown.current).then((copied) => setOutcome(copied ? 'copied' : 'selected'))
  return { outcome, shown, copy }
}

/** Says that the text was copied, and shows it where the browser did not let it be. */
export function CopyingNote({ outcome }: { outcome: Outcome }) {
  return (
    <span role="status" className={outcome === 'selected' ? 'text-small text-ink-2' : 'sr-only'}>
      {outcome === 'copied' && 'Copied'}
      {outcome === 'selected' && 'The browser does not let it be copied from here. It is selected: copy it by hand.'}
    </span>
  )
}
