/** Whether a place is the one that is meant, in a word. */

import { Status, type Tone } from '~/parts/status'

import type { PlaceFacts } from './place-query'

const STATES: Record<PlaceFacts['state'], { tone: Tone; word: string }> = {
  MARKED: { tone: 'plain', word: 'Marked' },
  NOT_YET: { tone: 'neutral', word: 'Not yet marked' },
  ACCEPTED: { tone: 'info', word: 'Accepted, not yet marked' },
  NOT_THERE: { tone: 'bad', word: 'Not there' },
}

export function PlaceState({ state }: Pick<PlaceFacts, 'state'>) {
  const { tone, word } = STATES[state]
  return <Status tone={tone}>{word}</Status>
}
