/** The head of a column by which a list can be ordered. */

import { ArrowDown, ArrowUp } from 'lucide-react'

import { cx } from './cx'

interface SortHeadProps {
  label: string
  /** The column's numbers stand at the right. */
  right?: boolean
  direction: 'ascending' | 'descending' | undefined
  onSort: () => void
  /** There is no head that tells the order. */
  pressed?: boolean
}

export function SortHead({ label, right, direction, onSort, pressed }: SortHeadProps) {
  const Arrow = direction === 'ascending' ? ArrowUp : ArrowDown
  return (
    <button
      type="button"
      onClick={onSort}
      aria-pressed={pressed && direction !== undefined}
      className={cx('-mx-2 inline-flex h-8 items-center gap-1 rounded-field px-2 font-medium hover:bg-hover hover:text-ink', right && 'flex-row-reverse')}
    >
      {label}
      <Arrow size={14} className={direction ? '' : 'invisible'} aria-hidden />
      {pressed && direction && <span className="sr-only">, {direction}</span>}
    </button>
  )
}
