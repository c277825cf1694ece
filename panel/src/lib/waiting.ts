/** What an operation waits for, in a sentence. Customers read neither the name of a hypervisor nor of others' work. */

import { formatInstant } from './instant'

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
