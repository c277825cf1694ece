/** A choice between a few views of the same thing, side by side. */

import { Tabs } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

interface SegmentedProps<Value extends string> {
  name: string
  options: readonly { value: Value; label: string; count?: number }[]
  value: Value
  onChange: (value: Value) => void
  /** What stands beside it in the same line. */
  aside?: ReactNode
  /** The view that was chosen. */
  children: ReactNode
}

export function Segmented<Value extends string>({ name, options, value, onChange, aside, children }: SegmentedProps<Value>) {
  return (
    <Tabs.Root value={value} onValueChange={(next: Value) => onChange(next)} className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
        <Tabs.List activateOnFocus aria-label={name} className="flex rounded-segment border border-line bg-sunken p-0.5">
          {options.map((option) => (
            <Tabs.Tab
              key={option.value}
              value={option.value}
              className="flex h-8 items-center gap-2 rounded-field border border-transparent px-3 text-small font-medium whitespace-nowrap text-ink-2 hover:text-ink data-active:border-line data-active:bg-surface data-active:text-ink data-active:shadow-card"
            >
              <bdi>{option.label}</bdi>
              {option.count !== undefined && <span className="font-normal text-ink-3 nums">{option.count}</span>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {aside}
      </div>
      {options.map((option) => (
        <Tabs.Panel key={option.value} value={option.value} className="flex flex-col gap-4">
          {option.value === value && children}
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  )
}
