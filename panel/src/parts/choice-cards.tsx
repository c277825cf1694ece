/** A choice between two or three ways, each a card that says what it does. */

import { Radio } from '@base-ui/react/radio'
import { RadioGroup } from '@base-ui/react/radio-group'
import { useId } from 'react'

interface ChoiceCardsProps<Value extends string> {
  name: string
  options: readonly { value: Value; title: string; text: string }[]
  value: Value
  onChange: (value: Value) => void
}

export function ChoiceCards<Value extends string>({ name, options, value, onChange }: ChoiceCardsProps<Value>) {
  const id = useId()
  return (
    <RadioGroup aria-label={name} value={value} onValueChange={(next) => onChange(next as Value)} className="flex flex-col gap-2">
      {options.map((option) => (
        <label
          key={option.value}
          className="flex cursor-pointer gap-3 rounded-card border border-line p-4 has-data-checked:border-accent has-data-checked:bg-accent-soft/40 has-data-checked:ring-1 has-data-checked:ring-accent dark:has-data-checked:border-bar dark:has-data-checked:ring-bar"
        >
          <Radio.Root
            value={option.value}
            aria-labelledby={`${id}-${option.value}`}
            aria-describedby={`${id}-${option.value}-text`}
            className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border border-line-strong data-checked:border-accent data-checked:bg-accent"
          >
            <Radio.Indicator className="size-1.5 rounded-full bg-white" />
          </Radio.Root>
          <span>
            <span id={`${id}-${option.value}`} className="block text-body font-medium">
              {option.title}
            </span>
            <span id={`${id}-${option.value}-text`} className="block text-small text-ink-2">
              {option.text}
            </span>
          </span>
        </label>
      ))}
    </RadioGroup>
  )
}
