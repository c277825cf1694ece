/** Whether a typed name confirms what is asked. */

export type Confirmation = 'empty' | 'different' | 'almost' | 'same'

export function confirmation(typed: string, name: string): Confirmation {
  if (typed === '') return 'empty'
  // The gateway trims, too: what is pasted may bring a space.
  if (typed.trim() === name.trim()) return 'same'
  return squash(typed) === squash(name) ? 'almost' : 'different'
}

function squash(text: string): string {
  return text.replaceAll(/\s+/g, '').toLowerCase()
}
