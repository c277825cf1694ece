/** Opens the dialog that deletes what failed. It goes with the last of them, and hands the focus on. */

import { Trash2 } from 'lucide-react'

import { Button } from '~/parts/button'
import { useHandOnFocus } from '~/parts/page-heading'

interface DeleteFailedButtonProps {
  count: number
  /** Why they cannot be deleted now; null if they can. */
  reason?: string | null
  onClick: () => void
}

export function DeleteFailedButton({ count, reason = null, onClick }: DeleteFailedButtonProps) {
  const button = useHandOnFocus<HTMLButtonElement>()
  return (
    <Button ref={button} icon={<Trash2 size={16} aria-hidden />} reason={reason} onClick={onClick}>
      Delete {count} failed…
    </Button>
  )
}
