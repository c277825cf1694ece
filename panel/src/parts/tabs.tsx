/**
 * The tabs of a page, whose state lives in the URL. Arrows move, and the focus stays on the tab. One that was opened
 * keeps what was typed on it while another is looked at; meanwhile it asks for nothing.
 */

import { Tabs as Base } from '@base-ui/react/tabs'
import { Activity, type ReactNode, useState } from 'react'

export interface Tab<Value extends string> {
  value: Value
  label: ReactNode
  content: ReactNode
}

interface TabsProps<Value extends string> {
  name: string
  tabs: readonly Tab<Value>[]
  value: Value
  onChange: (value: Value) => void
}

export function Tabs<Value extends string>({ name, tabs, value, onChange }: TabsProps<Value>) {
  const [opened, setOpened] = useState<readonly Value[]>([value])
  if (!opened.includes(value)) setOpened([...opened, value])
  return (
    <Base.Root value={value} onValueChange={(next: Value) => onChange(next)}>
      <div className="-mx-4 overflow-x-auto px-4 scrollbar-none md:mx-0 md:px-0">
        <Base.List activateOnFocus aria-label={name} className="flex min-w-max gap-6 border-b border-line">
          {tabs.map((tab) => (
            <Base.Tab
              key={tab.value}
              value={tab.value}
              className="-mb-px h-10 border-b-2 border-transparent text-body whitespace-nowrap text-ink-2 outline-offset-0 hover:text-ink data-active:border-accent data-active:font-medium data-active:text-ink"
            >
              {tab.label}
            </Base.Tab>
          ))}
        </Base.List>
      </div>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} keepMounted className="pt-6">
          {opened.includes(tab.value) && <Activity mode={tab.value === value ? 'visible' : 'hidden'}>{tab.content}</Activity>}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
