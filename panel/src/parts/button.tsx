/** A button. One that may not be used stays focusable, and says why. */

import { type ComponentProps, type ReactNode, useId, useState } from 'react'

import { cx } from './cx'
import { Sentence } from './sentence'
import { Spinner } from './spinner'
import { Tooltip } from './tooltip'

type Kind = 'primary' | 'secondary' | 'danger' | 'quiet'
type Size = 'normal' | 'small' | 'icon'

export interface ButtonProps extends Omit<ComponentProps<'button'>, 'disabled'> {
  kind?: Kind
  size?: Size
  icon?: ReactNode
  /** Why it may not be used now; null while it may. */
  reason?: ReactNode
  /** The request is under way: further clicks are ignored. */
  pending?: boolean
}

const SIZES: Record<Size, string> = {
  normal: 'h-9 px-4 text-body',
  small: 'h-8 px-3 text-small',
  icon: 'size-8',
}

const KINDS: Record<Kind, string> = {
  primary: 'bg-accent text-white hover:bg-accent-hover',
  danger: 'bg-bad-solid text-white hover:bg-bad-hover',
  secondary: 'border border-line bg-surface text-ink shadow-card hover:bg-hover',
  quiet: 'text-ink-2 hover:bg-hover hover:text-ink',
}

const UNAVAILABLE: Record<Kind, string> = {
  primary: 'bg-track text-ink-3',
  danger: 'bg-track text-ink-3',
  secondary: 'border border-transparent text-ink-3',
  quiet: 'text-ink-3 opacity-70',
}

export function Button({ kind = 'secondary', size = 'normal', icon, reason, pending, children, ...rest }: ButtonProps) {
  const reasonId = useId()
  const unavailable = Boolean(reason)
  // By a finger nothing is hovered: a tap says why, too.
  const [told, setTold] = useState(false)
  const button = (
    <button
      type="button"
      {...rest}
      aria-disabled={unavailable || pending ? true : rest['aria-disabled']}
      aria-describedby={cx(rest['aria-describedby'], unavailable && reasonId) || undefined}
      onClick={(event) => {
        if (unavailable || pending) event.preventDefault()
        else rest.onClick?.(event)
        if (unavailable) setTold(true)
      }}
      className={cx(
        'inline-flex shrink-0 items-center justify-center gap-2 rounded-field font-medium whitespace-nowrap transition-colors',
        SIZES[size],
        unavailable ? UNAVAILABLE[kind] : KINDS[kind],
        rest.className,
      )}
    >
      {pending ? <Spinner /> : icon}
      {children}
    </button>
  )
  const words = typeof reason === 'string' ? <Sentence>{reason}</Sentence> : reason
  // The same tree with and without a reason, so that the focus stays when it goes.
  if (reason === undefined) return button
  return (
    <>
      <Tooltip text={words} disabled={!unavailable} open={told && unavailable} onOpenChange={setTold}>
        {button}
      </Tooltip>
      <span id={reasonId} hidden>
        {words}
      </span>
    </>
  )
}
