/** The first value that was known: what is suggested does not change while it is read. */

import { useState } from 'react'

export function useFirst<T>(value: T | undefined): T | undefined {
  const [first, setFirst] = useState(value)
  if (first === undefined && value !== undefined) setFirst(value)
  return first ?? value
}
