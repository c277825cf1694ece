/** A secret that is shown once, to be copied. */

import { Check, Copy } from 'lucide-react'
import { useEffect, useRef } from 'react'

import { Button } from './button'
import { CopyingNote, useCopying } from './copying'

export function Secret({ label, value }: { label: string; value: string }) {
  const { outcome, shown, copy } = useCopying<HTMLElement>(value)
  const button = useRef<HTMLButtonElement>(null)
  const copied = outcome === 'copied'
  // It takes the place of the fields that had the focus.
  useEffect(() => button.current?.focus(), [])
  return (
    <div className="flex flex-wrap items-start gap-2">
      <code ref={shown} aria-label={label} className="min-w-0 flex-1 rounded-field bg-sunken px-3 py-2 font-mono text-small select-all anywhere">
        {value}
      </code>
      <Button ref={button} icon={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />} onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </Button>
      <CopyingNote outcome={outcome} />
    </div>
  )
}
