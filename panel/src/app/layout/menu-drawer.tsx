/** The sidebar of narrow screens, behind a button. */

import { Dialog } from '@base-ui/react/dialog'
import { Menu, X } from 'lucide-react'
import { useState } from 'react'

import { Sidebar } from './sidebar'

const BUTTON = 'inline-flex size-9 shrink-0 items-center justify-center rounded-field text-ink-2 hover:bg-hover hover:text-ink'

export function MenuDrawer() {
  const [open, setOpen] = useState(false)
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className={`${BUTTON} -ml-2 lg:hidden`} aria-label="Menu">
        <Menu size={18} aria-hidden />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-10 bg-scrim transition-opacity duration-140 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup className="fixed inset-y-0 left-0 z-10 w-[min(17rem,calc(100vw-3rem))] bg-sunken shadow-popup transition-transform duration-140 data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <Dialog.Title className="sr-only">Menu</Dialog.Title>
          <Sidebar onNavigate={() => setOpen(false)} />
          <Dialog.Close className={`${BUTTON} absolute top-2.5 right-2`} aria-label="Close the menu">
            <X size={18} aria-hidden />
          </Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
