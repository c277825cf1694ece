/** The rate of the last minute as a line: a stall shows at a glance. */

import { sparkline } from '~/lib/rate'

const WIDTH = 88
const HEIGHT = 22

export function Sparkline({ values }: { values: readonly number[] }) {
  const points = sparkline(values, WIDTH, HEIGHT - 2)
  return (
    <svg viewBox={`0 -1 ${WIDTH} ${HEIGHT}`} className="h-[22px] w-[88px]" aria-hidden="true">
      <polygon points={`0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} className="fill-bar/15" />
      <polyline points={points} fill="none" strokeWidth="1.5" strokeLinejoin="round" className="stroke-bar" />
    </svg>
  )
}
