/** The head of a column by which a list can be ordered. */

import { ArrowDown, ArrowUp } from 'lucide-react'

import { cx } from './cx'

interface SortHeadProps {
  label: string
  /** The column's numbers stand at the right. */
  right?: boolean
  direction: 'ascending' | 'descending' | undefined
  onSort: () => void
}

export function SortHead({ label, right, direction, onSort }: SortHeadProps) {
  const Arrow = direction === 'ascending' ? ArrowUp : ArrowDown
  return (
    <button type="button" onClick={onSort} className={cx('-mx-2 inline-flex h-8 items-center gap-1 rounded-field px-2 font-medium hover:bg-hover hover:text-ink', right && 'flex-row-reverse')}>
      {label}
      <Arrow size={14} className={direction ? '' : 'invisible'} aria-hidden />
    </button>
  )
}
