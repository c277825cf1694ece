/** What the agent of a hypervisor is about. */

import { Status, type Tone } from '~/parts/status'

const WORDS: Record<string, { tone: Tone; words: string }> = {
  ONLINE: { tone: 'ok', words: 'Online' },
  OFFLINE: { tone: 'bad', words: 'Offline' },
  UPDATING: { tone: 'info', words: 'Updating' },
  NEVER_SEEN: { tone: 'neutral', words: 'Never seen' },
}

export function hypervisorWords(status: string): string {
  return WORDS[status]?.words ?? status
}

interface HypervisorStatusProps {
  status: string
  /** In a list, what is well is plain. */
  quiet?: boolean
}

export function HypervisorStatus({ status, quiet }: HypervisorStatusProps) {
  const { tone, words } = WORDS[status] ?? { tone: 'neutral', words: status }
  return (
    <Status tone={quiet && tone === 'ok' ? 'plain' : tone} moving={status === 'UPDATING'}>
      {words}
    </Status>
  )
}
