/** Facts below each other, their values at the right. */

import type { ReactNode } from 'react'

import { cx } from './cx'

export interface Detail {
  label: string
  value: ReactNode
  /** Host names, paths and ids. */
  mono?: boolean
}

export function DetailList({ details }: { details: readonly Detail[] }) {
  return (
    <dl className="-my-2.5 flex flex-col divide-y divide-line">
      {details.map(({ label, value, mono }) => (
        <div key={label} className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 py-2.5">
          <dt className="text-small text-ink-2">{label}</dt>
          <dd className={cx('min-w-0 text-small anywhere nums', mono ? 'font-mono' : 'font-medium')}>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
