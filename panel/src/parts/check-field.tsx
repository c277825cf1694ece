/** Something that is so or not, with its words beside it. */

import { Checkbox } from '@base-ui/react/checkbox'
import { Check } from 'lucide-react'
import { useId } from 'react'

interface CheckFieldProps {
  label: string
  /** What it means, below the label. */
  help?: string
  checked: boolean
  onChange: (checked: boolean) => void
}

export function CheckField({ label, help, checked, onChange }: CheckFieldProps) {
  const id = useId()
  return (
    <label className="flex cursor-pointer gap-3">
      <Checkbox.Root
        checked={checked}
        onCheckedChange={onChange}
        aria-labelledby={`${id}-label`}
        aria-describedby={help ? `${id}-help` : undefined}
        className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-chip border border-line-strong data-checked:border-accent data-checked:bg-accent"
      >
        <Checkbox.Indicator className="text-white">
          <Check size={12} strokeWidth={3} aria-hidden />
        </Checkbox.Indicator>
      </Checkbox.Root>
      <span>
        <span id={`${id}-label`} className="block text-small font-medium">
          {label}
        </span>
        {help && (
          <span id={`${id}-help`} className="block text-small text-ink-3">
            {help}
          </span>
        )}
      </span>
    </label>
  )
}
