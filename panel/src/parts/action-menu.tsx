/** What else can be done with a row of a table, behind a button. What may not be done now stays listed, with its reason. */

import { Ellipsis } from 'lucide-react'
import { useEffect, useEffectEvent, useId, useRef } from 'react'

export interface Action {
  label: string
  onChoose: () => void
  /** Why it cannot be done now. */
  reason?: string
}

interface ActionMenuProps {
  /** Whose actions they are: "Actions for web-01". */
  label: string
  actions: readonly Action[]
}

/** Between the button and the list. */
const GAP = 4

export function ActionMenu({ label, actions }: ActionMenuProps) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)

  /** At the end of the button's line, below it or, where that is not seen, above it. It goes with the page. */
  const place = () => {
    if (!button.current || !list.current) return
    const { top, bottom, right } = button.current.getBoundingClientRect()
    const page = document.documentElement
    const { offsetHeight } = list.current
    const above = bottom + GAP + offsetHeight > page.clientHeight && top - GAP - offsetHeight > 0
    list.current.style.top = `${scrollY + (above ? top - GAP - offsetHeight : bottom + GAP)}px`
    list.current.style.right = `${page.clientWidth - right}px`
  }

  const follow = useEffectEvent(() => {
    if (list.current?.matches(':popover-open')) place()
  })
  useEffect(() => {
    window.addEventListener('resize', follow)
    return () => window.removeEventListener('resize', follow)
  }, [])

  return (
    <>
      <button
        ref={button}
        type="button"
        popoverTarget={id}
        aria-label={label}
        className="inline-flex size-8 shrink-0 cursor-pointer items-center justify-center rounded-field text-ink-2 hover:bg-hover hover:text-ink"
      >
        <Ellipsis size={16} aria-hidden />
      </button>
      {/* The browser opens and closes it, and gives the focus back. */}
      <div
        ref={list}
        id={id}
        popover="auto"
        role="group"
        aria-label={label}
        onToggle={place}
        className="absolute inset-auto m-0 w-max max-w-[min(20rem,calc(100vw-2rem))] min-w-44 rounded-field border border-line bg-surface p-1 text-ink shadow-popup"
      >
        {actions.map((action) => (
          <ActionButton
            key={action.label}
            {...action}
            onChoose={() => {
              // The focus is on the button again: a dialog that opens now gives it back to that.
              list.current?.hidePopover()
              action.onChoose()
            }}
          />
        ))}
      </div>
    </>
  )
}

function ActionButton({ label, reason, onChoose }: Action) {
  const id = useId()
  return (
    <>
      <button
        type="button"
        aria-describedby={reason ? id : undefined}
        aria-disabled={reason ? true : undefined}
        onClick={reason ? undefined : onChoose}
        className="block w-full rounded-chip px-3 py-1.5 text-left text-body aria-disabled:text-ink-3 not-aria-disabled:cursor-pointer not-aria-disabled:hover:bg-hover"
      >
        {label}
      </button>
      {reason && (
        <p id={id} className="-mt-1.5 px-3 pb-1.5 text-meta text-warn">
          {reason}
        </p>
      )}
    </>
  )
}
