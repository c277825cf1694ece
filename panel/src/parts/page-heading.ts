/** The focus, where what had it is gone. */

import { type RefObject, useLayoutEffect, useRef } from 'react'

/** Where it goes. */
export function pageHeading(): HTMLElement | null {
  return document.querySelector('h1')
}

/** For what may go while it has the focus: it hands it on, so that it is not lost. */
export function useHandOnFocus<Element extends HTMLElement>(): RefObject<Element | null> {
  const element = useRef<Element>(null)
  useLayoutEffect(() => {
    const { current } = element
    return () => {
      if (current?.contains(document.activeElement)) pageHeading()?.focus({ preventScroll: true })
    }
  }, [])
  return element
}
