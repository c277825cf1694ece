/** Whether a typed name confirms what is asked. */

export type Confirmation = 'empty' | 'different' | 'almost' | 'same'

export function confirmation(typed: string, name: string): Confirmation {
  if (typed === '') return 'empty'
  // The gateway trims and composes, too: what is pasted may bring a space, or an accent as a letter of its own.
  if (typed.trim().normalize('NFC') === name.trim().normalize('NFC')) return 'same'
  return squash(typed) === squash(name) ? 'almost' : 'different'
}

function squash(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, '').toLowerCase()
}
