/**
 * A dialog over the page. Esc and Cancel close it, a click outside only while nothing was typed; one that shows what is
 * shown once is closed by its button alone, and one that waits for it by nothing.
 * The focus goes to the first field, and back to the opener afterwards, or to the page's heading where that is gone.
 */

import { Dialog as Base } from '@base-ui/react/dialog'
import { type FormEvent, type ReactNode, useRef, useState } from 'react'

import { Button } from './button'
import { cx } from './cx'
import { pageHeading } from './page-heading'

export interface DialogProps {
  open: boolean
  onClose: () => void
  /** Called when it is closed and out of sight. */
  onClosed?: () => void
  title: ReactNode
  /** One or two lines below the title. */
  description?: ReactNode
  children?: ReactNode
  /** The buttons besides Cancel. */
  actions: ReactNode
  onSubmit: () => void
  wide?: boolean
  /** It asks before something is lost for good. */
  alert?: boolean
  cancel?: string
  /** What it shows is lost with it: only its button closes it. */
  keep?: boolean
  /** What it waits for would be lost with it: nothing closes it. */
  hold?: boolean
}

export function Dialog({ alert, wide, keep, hold, title, description, actions, cancel = 'Cancel', ...props }: DialogProps) {
  const form = useRef<HTMLFormElement>(null)
  const [opener] = useState(() => document.activeElement)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    // A dialog may stand in another's portal: its submit is not theirs.
    event.stopPropagation()
    props.onSubmit()
  }
  return (
    <Base.Root
      open={props.open}
      onOpenChange={(open, details) => {
        if (open) return
        if (keep || hold || (details.reason === 'outside-press' && isTyped(form.current))) details.cancel()
        else props.onClose()
      }}
      onOpenChangeComplete={(open) => !open && props.onClosed?.()}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-10 bg-scrim transition-opacity duration-140 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Viewport className="fixed inset-0 z-10 overflow-y-auto overscroll-contain">
          <div className="flex min-h-full justify-center px-4 pt-[max(1rem,4vh)] pb-[max(1rem,12vh)] [align-items:safe_center]">
            <Base.Popup
              role={alert ? 'alertdialog' : 'dialog'}
              initialFocus={() => form.current?.querySelector<HTMLElement>(FIRST) ?? true}
              finalFocus={() => opener?.isConnected || pageHeading()}
              className={cx(
                'w-full overflow-clip rounded-card bg-surface shadow-popup outline-none transition duration-140',
                'data-ending-style:scale-98 data-ending-style:opacity-0 data-starting-style:scale-98 data-starting-style:opacity-0',
                'dark:border dark:border-line',
                wide ? 'max-w-[35rem]' : 'max-w-[28.75rem]',
              )}
            >
              <form ref={form} onSubmit={submit} noValidate>
                <div className="flex flex-col gap-5 p-6">
                  <div className="flex flex-col gap-2">
                    <Base.Title className="text-heading font-semibold anywhere">{title}</Base.Title>
                    {description && (
                      <Base.Description render={<div />} className="text-body text-ink-2 anywhere">
                        {description}
                      </Base.Description>
                    )}
                  </div>
                  {props.children}
                </div>
                <div className="flex flex-wrap justify-end gap-2 border-t border-line bg-canvas px-6 py-4">
                  <Button reason={hold === undefined ? undefined : hold ? 'It waits for what is shown once.' : null} onClick={props.onClose}>
                    {cancel}
                  </Button>
                  {actions}
                </div>
              </form>
            </Base.Popup>
          </div>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  )
}

/** A radio group's member is its focus only when it is the chosen one. */
const FIRST = 'input:not([type=hidden]):not([aria-hidden=true]), textarea, [role=radio][aria-checked=true], [role=combobox]'

function isTyped(form: HTMLFormElement | null): boolean {
  const fields = form?.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea') ?? []
  return [...fields].some((field) => field.type !== 'radio' && field.value !== field.defaultValue)
}
