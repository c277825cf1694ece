/** A link in a text or a table. Inside a sentence it is underlined. */

import { createLink } from '@tanstack/react-router'
import type { ComponentProps } from 'react'

import { cx } from './cx'

function Anchor({ inline, children, ...rest }: ComponentProps<'a'> & { inline?: boolean }) {
  return (
    <a
      {...rest}
      className={cx('rounded-chip text-accent-text hover:underline', inline && 'underline underline-offset-2', rest.className)}
    >
      {children}
    </a>
  )
}

export const TextLink = createLink(Anchor)
