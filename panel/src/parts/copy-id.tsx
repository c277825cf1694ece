/** An id that can be copied with a click. */

import { Check, Copy } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import { copyText } from '~/lib/clipboard'

export function CopyId({ id, what }: { id: string; what: string }) {
  const [copied, setCopied] = useState(false)
  const shown = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <span className="inline-flex max-w-full items-center gap-1 font-mono text-small text-ink-3">
      <span ref={shown} className="truncate">
        {id}
      </span>
      <button
        type="button"
        aria-label={`Copy the id of ${what}`}
        className="inline-flex size-8 shrink-0 items-center justify-center rounded-field hover:bg-hover hover:text-ink"
        onClick={() => void copyText(id, shown.current).then(setCopied)}
      >
        {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      </button>
      <span role="status" className="sr-only">
        {copied && 'Copied'}
      </span>
    </span>
  )
}
