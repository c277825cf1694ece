/**
 * Copies what an element shows. Over plain HTTP there is no `navigator.clipboard`; then the text is selected and copied
 * as by hand. Where even that fails it stays selected, to be copied by hand.
 */
export async function copyText(text: string, shown: Element | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    if (shown) getSelection()?.selectAllChildren(shown)
    return shown !== null && document.execCommand('copy')
  }
}
