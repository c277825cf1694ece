/** The state of a dialog that is there as long as it is open, and goes when it has closed. */

import { useState } from 'react'

export function useDialog(onClosed: () => void) {
  const [open, setOpen] = useState(true)
  const close = () => setOpen(false)
  return { close, props: { open, onClose: close, onClosed } }
}
