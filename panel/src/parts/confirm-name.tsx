/** A field in which a name is typed to confirm what cannot be taken back. */

import { CircleCheck } from 'lucide-react'
import { useId } from 'react'

import { confirmation } from '~/lib/confirm-name'

import { Input } from './input'

interface ConfirmNameProps {
  name: string
  typed: string
  onType: (typed: string) => void
}

export function ConfirmName({ name, typed, onType }: ConfirmNameProps) {
  const id = useId()
  const state = confirmation(typed, name)
  return (
    <div className="flex flex-col gap-2">
      <label htmlFor={id} className="text-small text-ink-2">
        Type <bdi className="rounded-chip bg-sunken px-1.5 py-0.5 font-mono text-ink select-all anywhere">{name}</bdi> to confirm
      </label>
      <div className="relative">
        <Input id={id} value={typed} onChange={(event) => onType(event.target.value)} className="pr-9 font-mono" aria-describedby={`${id}-note`} autoCapitalize="off" />
        {state === 'same' && <CircleCheck size={16} className="absolute top-2.5 right-3 text-ok" aria-hidden />}
      </div>
      <p id={`${id}-note`} role="status" className={state === 'almost' ? 'text-small text-warn' : 'sr-only'}>
        {state === 'almost' && 'Almost: capitals and spaces must match.'}
        {state === 'same' && 'The name matches.'}
      </p>
    </div>
  )
}
