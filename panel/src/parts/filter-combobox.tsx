/** A filter of a list by one of many, which is found by typing; or any. */

import { Combobox } from '@base-ui/react/combobox'
import { Check, ChevronDown } from 'lucide-react'
import { type KeyboardEvent, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

import { Input } from './input'

/** More are not drawn at once: typing narrows them. */
const MOST = 100

interface Option {
  value: string
  label: string
}

const ANY: Option = { value: '', label: 'Any' }

interface FilterComboboxProps {
  /** What is filtered: "Account". */
  label: string
  value: string | undefined
  options: readonly Option[]
  onChange: (value: string | undefined) => void
  /** The options are read while it is open. */
  onOpenChange: (open: boolean) => void
}

export function FilterCombobox({ label, value, options, onChange, onOpenChange }: FilterComboboxProps) {
  const search = useRef<HTMLInputElement>(null)
  const [open, setOpen] = useState(false)
  const items = [ANY, ...options]
  function change(next: boolean) {
    setOpen(next)
    onOpenChange(next)
  }
  return (
    <Combobox.Root
      items={items}
      value={items.find((one) => one.value === value) ?? ANY}
      onValueChange={(next: Option | null) => onChange(next?.value || undefined)}
      open={open}
      onOpenChange={change}
      isItemEqualToValue={(one, other) => one?.value === other?.value}
      limit={MOST}
      autoHighlight
    >
      <Combobox.Trigger
        aria-label={label}
        onKeyDown={(event) => {
          // The list opens, and its search gets the focus, frames after the click: what is typed until then is meant for it.
          if (isCharacter(event)) {
            event.preventBaseUIHandler()
            flushSync(() => change(true))
          }
          search.current?.focus()
        }}
        className="flex h-9 max-w-full cursor-pointer items-center gap-2 rounded-field border border-line-strong bg-surface px-3 text-body whitespace-nowrap"
      >
        <span className="text-ink-3">{label}</span>
        <span className="min-w-0 truncate">
          <Combobox.Value />
        </span>
        <ChevronDown size={16} className="shrink-0 text-ink-3" aria-hidden />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner className="z-30 outline-none" sideOffset={4} align="start" collisionPadding={8}>
          <Combobox.Popup
            aria-label={label}
            className="flex max-h-(--available-height) w-72 max-w-(--available-width) flex-col rounded-field border border-line bg-surface shadow-popup"
          >
            <div className="p-1">
              <Combobox.Input ref={search} render={<Input />} aria-label={`Search: ${label}`} placeholder="Type to search" />
            </div>
            <Combobox.Empty className="px-3 text-body text-ink-3 not-empty:py-2">Nothing fits.</Combobox.Empty>
            <Combobox.List className="max-h-80 min-h-0 overflow-y-auto p-1 empty:p-0">
              {(item: Option) => (
                <Combobox.Item
                  key={item.value}
                  value={item}
                  className="flex h-8 items-center gap-2 rounded-chip px-2 text-body outline-none data-highlighted:bg-hover"
                >
                  <span className="w-4 shrink-0">
                    <Combobox.ItemIndicator>
                      <Check size={16} aria-hidden />
                    </Combobox.ItemIndicator>
                  </span>
                  <span className="truncate">{item.label}</span>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  )
}

/** A space opens the list, as of any button. */
function isCharacter({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.length === 1 && key !== ' ' && !ctrlKey && !metaKey && !altKey
}
