/** How long a text may be. The bounds are the gateway's: `src/api/bounds.generated.ts` has them of its schema. */

export interface Bound {
  least?: number
  most?: number
}

/** As the gateway counts: characters, not halves of them, of the trimmed and composed text. */
export function lengthOf(text: string): number {
  return Array.from(text.trim().normalize('NFC')).length
}

/** What is wrong with a text that is too long; undefined if it is not. */
export function tooLong(text: string, { most }: Bound): string | undefined {
  const length = lengthOf(text)
  return most !== undefined && length > most ? `At most ${most} characters: this has ${length}.` : undefined
}

/** Why a text cannot be sent, in a sentence; null if it can. `missing` is said of none: "Name the volume first." */
export function textReason(text: string, bound: Bound, missing: string): string | null {
  return text.trim() === '' ? missing : (tooLong(text, bound) ?? null)
}

/** Why a password cannot be set; null if it can. Nothing of it is trimmed. */
export function passwordReason(password: string, { least }: { least: number }): string | null {
  return Array.from(password).length < least ? `The password has at least ${least} characters.` : null
}
