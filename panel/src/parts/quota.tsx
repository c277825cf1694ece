/** How full a cap is: a pip for each that is allowed, and the words. */

import { TriangleAlert } from 'lucide-react'

const MOST_PIPS = 20

export function Quota({ used, most, noun }: { used: number; most: number; noun: string }) {
  const full = used >= most
  return (
    <span className={`flex items-center gap-2.5 text-small whitespace-nowrap nums ${full ? 'text-warn' : 'text-ink-2'}`}>
      {most <= MOST_PIPS && most > 0 && (
        <span className="flex gap-[3px]" aria-hidden="true">
          {Array.from({ length: most }, (_, i) => (
            <span key={i} className={`h-3.5 w-1 rounded-full ${i >= used ? 'bg-track' : full ? 'bg-warn' : 'bg-ink-3'}`} />
          ))}
        </span>
      )}
      {used} of {most} {noun}
    </span>
  )
}

/** The sentence above a list whose cap is reached. */
export function CapNote({ children }: { children: string }) {
  return (
    <p className="flex items-start gap-2 text-small text-warn">
      <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
      {children}
    </p>
  )
}
