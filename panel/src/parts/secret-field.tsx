/** A secret that can be set but never read: dots stand for the one that is kept, until it is replaced. */

import { useState } from 'react'

import { Button } from './button'
import { Field } from './field'
import { Input } from './input'

interface SecretFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  /** There is one already, which stays unless another is typed. */
  kept: boolean
  optional?: boolean
  help?: string
  error?: string
}

export function SecretField({ label, value, onChange, kept, optional, help, error }: SecretFieldProps) {
  const [replacing, setReplacing] = useState(false)
  const shown = kept && !replacing
  return (
    <Field label={label} optional={optional} help={help} error={error}>
      {({ id, describedBy, invalid }) => (
        <div className="flex items-center gap-2">
          <Input
            id={id}
            // Another field: the focus goes to it, and nothing of the dots stays.
            key={shown ? 'kept' : 'new'}
            type={shown ? 'text' : 'password'}
            autoComplete="new-password"
            readOnly={shown}
            autoFocus={kept && replacing}
            value={shown ? '••••' : value}
            onChange={(event) => onChange(event.target.value)}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            className={shown ? 'text-ink-3!' : undefined}
          />
          {kept && (
            <Button
              onClick={() => {
                setReplacing(!replacing)
                onChange('')
              }}
            >
              {replacing ? 'Keep the old one' : 'Replace…'}
            </Button>
          )}
        </div>
      )}
    </Field>
  )
}
