/** Words that appear beside what they explain, on hover and on focus. */

import { Tooltip as Base } from '@base-ui/react/tooltip'
import type { ReactElement, ReactNode } from 'react'

interface TooltipProps {
  text: ReactNode
  disabled?: boolean
  open?: boolean
  onOpenChange?: (open: boolean) => void
  children: ReactElement<Record<string, unknown>>
}

export function Tooltip({ text, children, ...root }: TooltipProps) {
  return (
    <Base.Root {...root}>
      <Base.Trigger render={children} delay={200} closeOnClick={false} />
      <Base.Portal>
        <Base.Positioner sideOffset={8} collisionPadding={8} className="z-30">
          {/* Screen readers have it as the description of what it explains. */}
          <Base.Popup aria-hidden className="max-w-72 rounded-field bg-inverse px-3 py-2 text-small text-on-inverse shadow-popup nums">
            {text}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
