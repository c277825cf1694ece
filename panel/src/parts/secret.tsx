/** A secret that is shown once, to be copied. */

import { Check, Copy } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import { copyText } from '~/lib/clipboard'

import { Button } from './button'

export function Secret({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false)
  const copy = useRef<HTMLButtonElement>(null)
  const shown = useRef<HTMLElement>(null)
  // It takes the place of the fields that had the focus.
  useEffect(() => copy.current?.focus(), [])
  return (
    <div className="flex items-start gap-2">
      <code ref={shown} aria-label={label} className="min-w-0 flex-1 rounded-field bg-sunken px-3 py-2 font-mono text-small select-all anywhere">
        {value}
      </code>
      <Button
        ref={copy}
        icon={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
        onClick={() => void copyText(value, shown.current).then(setCopied)}
      >
        {copied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  )
}
