/** The way through a list that the server pages by cursor. */

import { ChevronLeft, ChevronRight } from 'lucide-react'

import { Button } from './button'

interface PagerProps {
  /** How many there are in all, and what they are called. */
  count: string
  onPrevious?: () => void
  onNext?: () => void
}

export function Pager({ count, onPrevious, onNext }: PagerProps) {
  const paged = onPrevious !== undefined || onNext !== undefined
  return (
    <div className="flex min-h-8 items-center justify-between gap-4 text-small text-ink-3">
      <span className="nums">{count}</span>
      {paged && (
        <nav aria-label="Pages" className="flex gap-2">
          <Button size="small" icon={<ChevronLeft size={16} aria-hidden />} reason={onPrevious ? null : 'This is the first page.'} onClick={onPrevious}>
            Previous
          </Button>
          <Button size="small" reason={onNext ? null : 'This is the last page.'} onClick={onNext}>
            Next
            <ChevronRight size={16} aria-hidden />
          </Button>
        </nav>
      )}
    </div>
  )
}
