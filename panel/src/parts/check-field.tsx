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
    <div className="flex gap-3">
      <Checkbox.Root
        checked={checked}
        onCheckedChange={onChange}
        aria-labelledby={`${id}-label`}
        aria-describedby={help ? `${id}-help` : undefined}
        className="mt-0.5 flex size-4 shrink-0 cursor-pointer items-center justify-center rounded-chip border border-line-strong data-checked:border-accent data-checked:bg-accent"
      >
        <Checkbox.Indicator className="text-white">
          <Check size={12} strokeWidth={3} aria-hidden />
        </Checkbox.Indicator>
      </Checkbox.Root>
      <div>
        <label id={`${id}-label`} className="cursor-pointer text-small font-medium" onClick={() => onChange(!checked)}>
          {label}
        </label>
        {help && (
          <p id={`${id}-help`} className="text-small text-ink-3">
            {help}
          </p>
        )}
      </div>
    </div>
  )
}
