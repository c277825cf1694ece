/** What the agent of a hypervisor can do, as it last said. */

import { Check, Minus } from 'lucide-react'

import { Section } from '~/parts/section'

const CAPABILITIES = [
  { value: 'VOLUME_SNAPSHOT', label: 'Volume snapshots', about: 'Take, restore and delete them' },
  { value: 'VOLUME_BACKUP', label: 'Volume backups', about: 'Make, restore and delete them' },
] as const

interface CapabilitiesSectionProps {
  hypervisor: { agentVersion: string | null; capabilities: readonly string[] }
}

export function CapabilitiesSection({ hypervisor: { agentVersion, capabilities } }: CapabilitiesSectionProps) {
  const unknown = agentVersion === null
  return (
    <Section title="Capabilities" about={unknown ? 'No agent has said hello yet. What is asked of it waits until one does.' : 'What the agent can do, as it last said.'}>
      {!unknown && (
        <ul className="flex flex-col gap-3">
          {CAPABILITIES.map(({ value, label, about }) => {
            const can = capabilities.includes(value)
            return (
              <li key={value} className="flex gap-3 text-small">
                {can ? <Check size={16} className="mt-0.5 shrink-0 text-ok" aria-hidden /> : <Minus size={16} className="mt-0.5 shrink-0 text-warn" aria-hidden />}
                <span>
                  <span className="block font-medium">{label}</span>
                  <span className="block text-ink-3">{can ? about : 'The agent can’t: it needs an update first'}</span>
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </Section>
  )
}
