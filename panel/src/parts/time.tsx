/** An instant: how long ago, and the absolute time. */

import { useServerTime } from '~/api/context'
import { formatAgo, formatInstant } from '~/lib/instant'

export function Ago({ at }: { at: string }) {
  const now = useServerTime('halfMinute')
  return (
    <time dateTime={at} title={formatInstant(Date.parse(at))}>
      {formatAgo(Date.parse(at), now)}
    </time>
  )
}

/** Relative first, the absolute time below it. */
export function TimeLines({ at }: { at: string }) {
  const now = useServerTime('halfMinute')
  return (
    <time dateTime={at} title={formatInstant(Date.parse(at))} className="block nums @table:whitespace-nowrap">
      <span className="block">{formatAgo(Date.parse(at), now)}</span>
      <span className="block text-meta text-ink-3 @table:hidden @roomy:block">{formatInstant(Date.parse(at))}</span>
    </time>
  )
}
