/** Above a list of which only a part is shown: which, and the way to all. */

import { Button } from './button'

export function ShownPart({ what, onAll }: { what: string; onAll: () => void }) {
  return (
    <p className="flex flex-wrap items-center gap-3 text-small text-ink-2">
      {what}
      <Button size="small" onClick={onAll}>
        Show all
      </Button>
    </p>
  )
}
