/** How long ago an operation was asked for; of one that has ended, how long it took. */

import { TriangleAlert } from 'lucide-react'

import { useServerTime } from '~/api/context'
import { formatDuration, formatTook } from '~/lib/duration'
import { type Lateness, latenessOf } from '~/lib/queue-age'

const COLOURS: Record<Lateness, string> = { fine: '', late: 'text-warn', overdue: 'text-bad' }

interface OperationAgeProps {
  operation: { createdAt: string; finishedAt: string | null; deadlineAt: string }
  /** The label says already that it is how long it took. */
  labelled?: boolean
}

export function OperationAge({ operation: { createdAt, finishedAt, deadlineAt }, labelled }: OperationAgeProps) {
  const now = useServerTime('second')
  if (finishedAt) {
    const span = formatTook(Date.parse(finishedAt) - Date.parse(createdAt))
    return labelled ? span : <span className="text-ink-3">took {span}</span>
  }
  const age = now - Date.parse(createdAt)
  const allowed = Date.parse(deadlineAt) - Date.parse(createdAt)
  const lateness = latenessOf(age, allowed)
  const note = { fine: null, late: 'Takes long', overdue: `Fails at ${formatDuration(allowed)}` }[lateness]
  return (
    <span className={COLOURS[lateness]}>
      <span className="inline-flex items-center gap-1.5 font-medium">
        {lateness !== 'fine' && <TriangleAlert size={14} aria-hidden />}
        {formatDuration(age)}
      </span>
      {note && <span className="block text-meta">{note}</span>}
    </span>
  )
}
