/** The pause after an operation, when there is nothing else to tell. */

import { Card } from '~/parts/card'

import { CooldownRing } from './cooldown-ring'

export function CooldownBanner({ endsAt, now }: { endsAt: number; now: number }) {
  return (
    <Card>
      <div className="flex flex-wrap items-center justify-between gap-4 px-5 py-4">
        <div>
          <p className="font-semibold">Cooling down</p>
          <p className="mt-0.5 text-small text-ink-2">A short pause follows every operation on a volume.</p>
        </div>
        <CooldownRing endsAt={endsAt} now={now} />
      </div>
    </Card>
  )
}
