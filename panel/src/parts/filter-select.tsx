/** A filter of a list: one of a few, or any. */

import { Select } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'

interface FilterSelectProps<Value extends string> {
  /** What is filtered: "Status". */
  label: string
  value: Value | undefined
  options: readonly { value: Value; label: string }[]
  onChange: (value: Value | undefined) => void
}

export function FilterSelect<Value extends string>({ label, value, options, onChange }: FilterSelectProps<Value>) {
  const items = [{ value: null, label: 'Any' }, ...options]
  return (
    <Select.Root items={items} value={value ?? null} onValueChange={(next) => onChange((next as Value | null) ?? undefined)} modal={false}>
      <Select.Trigger
        aria-label={label}
        className="flex h-9 cursor-pointer items-center gap-2 rounded-field border border-line-strong bg-surface px-3 text-body whitespace-nowrap"
      >
        <span className="text-ink-3">{label}</span>
        <Select.Value />
        <ChevronDown size={16} className="text-ink-3" aria-hidden />
      </Select.Trigger>
      <Select.Portal role="region" aria-label={`Choices: ${label}`}>
        <Select.Positioner className="z-30 outline-none" sideOffset={4} alignItemWithTrigger={false} collisionPadding={8}>
          <Select.Popup className="max-h-(--available-height) min-w-(--anchor-width) overflow-y-auto rounded-field border border-line bg-surface p-1 shadow-popup">
            {items.map((item) => (
              <Select.Item
                key={item.value ?? 'any'}
                value={item.value}
                className="flex h-8 items-center gap-2 rounded-chip px-2 text-body outline-none data-highlighted:bg-hover"
              >
                <span className="w-4">
                  <Select.ItemIndicator>
                    <Check size={16} aria-hidden />
                  </Select.ItemIndicator>
                </span>
                <Select.ItemText>{item.label}</Select.ItemText>
              </Select.Item>
            ))}
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  )
}
