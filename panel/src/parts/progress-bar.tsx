/** How far something is. It moves by `transform`, which costs no layout. */

import { cx } from './cx'

interface ProgressBarProps {
  name: string
  /** Percent; undefined while unknown. */
  value: number | undefined
  /** What screen readers say. */
  text: string
  /** Nothing is known of it now. */
  frozen?: boolean
  className?: string
}

export function ProgressBar({ name, value, text, frozen, className }: ProgressBarProps) {
  return (
    <div
      role="progressbar"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === undefined ? undefined : Math.floor(value)}
      aria-valuetext={text || undefined}
      className={cx('h-1.5 overflow-clip rounded-full bg-track', frozen && 'opacity-50', className)}
    >
      {value === undefined ? (
        <div className={cx('h-full w-2/7 rounded-full bg-bar', !frozen && 'animate-sweep')} />
      ) : (
        <div
          className="h-full w-full origin-left rounded-full bg-bar transition-transform duration-600 ease-linear"
          style={{ transform: `translateX(${Math.min(value, 100) - 100}%)` }}
        />
      )}
    </div>
  )
}
