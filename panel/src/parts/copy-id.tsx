/** An id that can be copied with a click. */

import { Check, Copy } from 'lucide-react'

import { CopyingNote, useCopying } from './copying'

export function CopyId({ id, what }: { id: string; what: string }) {
  const { outcome, shown, copy } = useCopying<HTMLSpanElement>(id)
  return (
    <span className="inline-flex max-w-full flex-col items-start">
      <span className="inline-flex max-w-full items-center gap-1 font-mono text-small text-ink-3">
        <span ref={shown} className="truncate">
          {id}
        </span>
        <button
          type="button"
          aria-label={`Copy the id of ${what}`}
          className="inline-flex size-8 shrink-0 items-center justify-center rounded-field hover:bg-hover hover:text-ink"
          onClick={copy}
        >
          {outcome === 'copied' ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
        </button>
      </span>
      <CopyingNote outcome={outcome} />
    </span>
  )
}
