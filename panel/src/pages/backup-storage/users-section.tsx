/** Which groups and hypervisors write to a backup storage. */

import { Section } from '~/parts/section'
import { TextLink } from '~/parts/text-link'

interface UsersSectionProps {
  groups: readonly { id: string; name: string }[]
  hypervisors: readonly { id: string; name: string }[]
}

export function UsersSection({ groups, hypervisors }: UsersSectionProps) {
  return (
    <Section title="Used by" about={groups.length + hypervisors.length === 0 ? 'No hypervisor group writes backups here.' : 'They write their new backups here.'}>
      {groups.length + hypervisors.length > 0 && (
        <ul className="flex flex-wrap gap-x-6 gap-y-2 text-small">
          {groups.map((group) => (
            <li key={group.id}>
              <TextLink to="/hypervisor-groups/$groupId" params={{ groupId: group.id }}>
                <bdi>{group.name}</bdi>
              </TextLink>
            </li>
          ))}
          {hypervisors.map((host) => (
            <li key={host.id}>
              <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: host.id }} className="font-mono">
                <bdi>{host.name}</bdi>
              </TextLink>
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}
