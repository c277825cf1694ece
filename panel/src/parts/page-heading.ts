/** Where the focus goes when what had it is gone: the page's heading. */
export function pageHeading(): HTMLElement | null {
  return document.querySelector('h1')
}
