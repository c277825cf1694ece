/** The phases that an agent reports while it waits. They are no steps of its work. */

export const ASKED_TO_SLOW_DOWN = 'The backup storage asks us to slow down'

export function isWait(phase: string): boolean {
  return phase === ASKED_TO_SLOW_DOWN || phase.startsWith('Waiting')
}
