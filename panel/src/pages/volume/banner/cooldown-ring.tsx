/** How long a volume rests yet: a ring that empties, and the time. */

import { formatCountdown } from '~/lib/duration'

const RADIUS = 12
const LENGTH = 2 * Math.PI * RADIUS
/** What the ring is full at: the usual pause, or what is left of a longer one. */
const FULL = 5 * 60_000

export function CooldownRing({ endsAt, now }: { endsAt: number; now: number }) {
  const left = Math.max(0, endsAt - now)
  const part = Math.min(left / FULL, 1)
  return (
    <div className="flex shrink-0 items-center gap-3">
      <div className="text-right">
        <p className="text-meta text-ink-2">Next operation in</p>
        <p role="timer" aria-label="Next operation in" className="text-heading leading-5 font-semibold nums">
          {formatCountdown(left)}
        </p>
      </div>
      <svg viewBox="0 0 30 30" className="size-8 -rotate-90" aria-hidden="true">
        <circle cx="15" cy="15" r={RADIUS} fill="none" strokeWidth="4" className="stroke-track" />
        <circle
          cx="15"
          cy="15"
          r={RADIUS}
          fill="none"
          strokeWidth="4"
          strokeLinecap="round"
          strokeDasharray={LENGTH}
          strokeDashoffset={LENGTH * (1 - part)}
          className="stroke-bar"
        />
      </svg>
    </div>
  )
}
