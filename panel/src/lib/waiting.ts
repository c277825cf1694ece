/**
 * What an operation waits for, in a sentence: before an agent takes it, and while that works on it. Customers read
 * neither the name of a hypervisor nor of others' work.
 */

import { formatInstant } from './instant'
import { ASKED_TO_SLOW_DOWN, isWait } from './wait-phase'

export interface Waiting {
  reason: string
  since: string
  position: number | null
}

/** `hypervisor` is its name, for administrators. */
export function waitingWords({ reason, since, position }: Waiting, hypervisor?: string): string {
  const whose = hypervisor ?? 'this volume’s hypervisor'
  const begin = hypervisor ?? 'This volume’s hypervisor'
  const place = position !== null && position > 1 ? ` It is number ${position} of what is taken next.` : ''
  switch (reason) {
    case 'AGENT_OFFLINE':
      return `${begin} is offline since ${formatInstant(Date.parse(since))}.${place}`
    case 'AGENT_BUSY':
      return `${hypervisor ? `All places of ${hypervisor} are taken` : `${begin} does other work`}.${place}`
    case 'NEXT':
      return `It is the next that ${whose} takes.`
    default:
      return `It waits for ${whose}.`
  }
}

/** What an agent calls its waits, and what that means for whoever looks on. */
const WAITS: Readonly<Record<string, string>> = {
  [ASKED_TO_SLOW_DOWN]: 'The backup storage asks us to slow down. It goes on by itself.',
  'Waiting for the backup storage': 'The backup storage does not answer. It goes on by itself once it does.',
}

/** What a running operation waits for, which its agent says in the place of a step; nothing of one that goes on. */
export function waitWords(phase: string): string | undefined {
  return WAITS[phase] ?? (isWait(phase) ? `${phase}. It goes on by itself.` : undefined)
}
