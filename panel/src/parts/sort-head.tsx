/** The head of a column by which a list can be ordered. */

import { ArrowDown, ArrowUp } from 'lucide-react'

interface SortHeadProps {
  label: string
  direction: 'ascending' | 'descending' | undefined
  onSort: () => void
}

export function SortHead({ label, direction, onSort }: SortHeadProps) {
  const Arrow = direction === 'ascending' ? ArrowUp : ArrowDown
  return (
    <button type="button" onClick={onSort} className="-mx-2 inline-flex h-8 items-center gap-1 rounded-field px-2 font-medium hover:bg-hover hover:text-ink">
      {label}
      <Arrow size={14} className={direction ? '' : 'invisible'} aria-hidden />
    </button>
  )
}
