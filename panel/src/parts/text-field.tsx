/** A labelled line of text. */

import type { ComponentProps, ReactNode } from 'react'

import { type Bound, tooLong } from '~/lib/text-bound'

import { Field } from './field'
import { Input } from './input'

interface TextFieldProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value' | 'maxLength'> {
  label: ReactNode
  value: string
  onChange: (value: string) => void
  /** How long it may be. What is longer stays, and is said to be too long. */
  bound?: Bound
  optional?: boolean
  help?: ReactNode
  error?: ReactNode
  /** What follows the field in the same line, such as a unit. */
  after?: ReactNode
}

export function TextField({ label, value, onChange, bound, optional, help, error, after, ...rest }: TextFieldProps) {
  return (
    <Field label={label} optional={optional} help={help} error={error ?? (bound && tooLong(value, bound))}>
      {({ id, describedBy, invalid }) => (
        <div className="flex items-center gap-3">
          <Input
            {...rest}
            id={id}
            value={value}
            onChange={(event) => onChange(event.target.value)}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
          />
          {after && <span className="shrink-0 text-small text-ink-2">{after}</span>}
        </div>
      )}
    </Field>
  )
}
