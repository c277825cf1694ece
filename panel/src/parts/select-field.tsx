/** A labelled choice of one of a few. What cannot be chosen stays listed, with its reason. */

import { Select } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import type { ReactNode } from 'react'

import { Field } from './field'
import { Sentence } from './sentence'

export interface Option<Value extends string> {
  value: Value
  label: string
  /** A second line that tells more of it. */
  detail?: string
  /** Why it cannot be chosen, as `<Sentence>` shows it. */
  reason?: string
}

interface SelectFieldProps<Value extends string> {
  label: ReactNode
  value: Value
  onChange: (value: Value) => void
  options: readonly Option<Value>[]
  help?: ReactNode
  error?: ReactNode
}

export function SelectField<Value extends string>({ label, options, help, error, ...props }: SelectFieldProps<Value>) {
  return (
    <Field label={label} help={help} error={error}>
      {({ id, describedBy, invalid }) => (
        <Select.Root
          items={options.map(({ value, label: text }) => ({ value, label: text }))}
          value={props.value}
          onValueChange={(value) => value !== null && props.onChange(value)}
          modal={false}
        >
          <Select.Trigger
            id={id}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            className="flex h-9 w-full min-w-0 cursor-pointer items-center justify-between gap-2 rounded-field border border-line-strong bg-surface px-3 text-left text-body aria-invalid:border-bad"
          >
            <Select.Value className="truncate" />
            <ChevronDown size={16} className="shrink-0 text-ink-3" aria-hidden />
          </Select.Trigger>
          <Select.Portal role="region" aria-label={typeof label === 'string' ? `Choices: ${label}` : 'Choices'}>
            <Select.Positioner className="z-30 outline-none" sideOffset={4} alignItemWithTrigger={false} collisionPadding={8}>
              <Select.Popup className="max-h-(--available-height) min-w-(--anchor-width) max-w-[min(26rem,calc(100vw-2rem))] overflow-y-auto rounded-field border border-line bg-surface p-1 shadow-popup">
                {options.map((option) => (
                  <OptionRow key={option.value} option={option} />
                ))}
              </Select.Popup>
            </Select.Positioner>
          </Select.Portal>
        </Select.Root>
      )}
    </Field>
  )
}

function OptionRow<Value extends string>({ option }: { option: Option<Value> }) {
  const second = option.reason === undefined ? option.detail : <Sentence>{option.reason}</Sentence>
  return (
    <Select.Item
      value={option.value}
      disabled={option.reason !== undefined}
      label={option.label}
      className="flex items-start gap-2 rounded-chip px-2 py-1.5 text-body outline-none data-highlighted:bg-hover"
    >
      <span className="flex h-5 w-4 shrink-0 items-center">
        <Select.ItemIndicator>
          <Check size={16} aria-hidden />
        </Select.ItemIndicator>
      </span>
      <span className="min-w-0 flex-1">
        <Select.ItemText className={option.reason ? 'block truncate text-ink-3' : 'block truncate'}>{option.label}</Select.ItemText>
        {second && <span className={`block text-meta ${option.reason ? 'text-warn' : 'text-ink-3'}`}>{second}</span>}
      </span>
    </Select.Item>
  )
}
