/** A label, what is filled in below it, and a line of help or of what is wrong. */

import { type ReactNode, useId } from 'react'

interface FieldProps {
  label: ReactNode
  optional?: boolean
  help?: ReactNode
  error?: ReactNode
  children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode
}

export function Field({ label, optional, help, error, children }: FieldProps) {
  const id = useId()
  const noteId = `${id}-note`
  const note = error ?? help
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <label htmlFor={id} className="text-small font-medium">
        {label}
        {optional && <span className="font-normal text-ink-3"> (optional)</span>}
      </label>
      {children({ id, describedBy: note ? noteId : undefined, invalid: Boolean(error) })}
      {/* What is refused is said when it comes. */}
      <div aria-live="polite" className="empty:absolute">
        {note && (
          <div id={noteId} className={error ? 'text-small text-bad' : 'text-small text-ink-3'}>
            {note}
          </div>
        )}
      </div>
    </div>
  )
}
