/** The first value that was known: what is suggested does not change while it is read. */

import { useState } from 'react'

/** With another `of`, the first begins anew: another place has other plans. */
export function useFirst<T>(value: T | undefined, of?: string): T | undefined {
  const [first, setFirst] = useState({ value, of })
  const isCurrent = first.of === of && first.value !== undefined
  if (!isCurrent && (first.value !== value || first.of !== of)) setFirst({ value, of })
  return isCurrent ? first.value : value
}
