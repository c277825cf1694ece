/** A line of text to fill in. */

import type { ComponentProps } from 'react'

import { cx } from './cx'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      {...rest}
      className={cx(
        'h-9 w-full min-w-0 rounded-field border border-line-strong bg-surface px-3 text-body text-ink aria-invalid:border-bad',
        className,
      )}
    />
  )
}
