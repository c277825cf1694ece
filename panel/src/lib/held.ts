/** What is said of a volume whose operation was ended from outside while its agent may still be writing. */

import { formatTime } from './instant'

/** "The volume stays held until its agent has stopped, until 16:08:04 at the latest."; nothing once it is free. */
export function heldWords(heldUntil: string | null, now: number, timeZone?: string): string {
  if (heldUntil === null || Date.parse(heldUntil) <= now) return ''
  return `The volume stays held until its agent has stopped, until ${formatTime(Date.parse(heldUntil), timeZone)} at the latest.`
}

/** What a failure means, where the panel knows more than the gateway's words say. */
export function failureWords(code: string, held: boolean): string {
  switch (code) {
    case 'TIMED_OUT':
      return held ? 'It was stopped.' : 'It was stopped, and the volume is released.'
    case 'FAILED_BY_ADMINISTRATOR':
      return held ? 'An administrator ended it.' : 'An administrator ended it, and the volume is released.'
    case 'IMAGE_DAMAGED':
      return 'Roll back from a backup, which may make a new image, or restore to a new volume.'
    case 'DELETE_REFUSED':
      return 'Nothing of it was removed: it is as it was.'
    default:
      return ''
  }
}
