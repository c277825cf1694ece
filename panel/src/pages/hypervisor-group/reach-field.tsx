/** Which hypervisors reach a directory: all of the group, which share it, or one, whose own it is. */

import { SelectField } from '~/parts/select-field'

interface Host {
  id: string
  name: string
}

/** In the place of a hypervisor. */
const ALL = 'all'

/** A group with one hypervisor has nobody to share with. */
export function firstReach(hosts: readonly Host[]): string {
  const [only, ...others] = hosts
  return only && others.length === 0 ? only.id : ALL
}

/** What is chosen for a pool that there is. */
export function reachOf({ hypervisor }: { hypervisor: { id: string } | null }): string {
  return hypervisor?.id ?? ALL
}

/** As the mutations take it. */
export function reachInput(reach: string) {
  return reach === ALL ? ({ reach: 'SHARED' } as const) : ({ reach: 'LOCAL', hypervisorId: reach } as const)
}

interface ReachFieldProps {
  hosts: readonly Host[]
  value: string
  onChange: (reach: string) => void
  error?: string
}

export function ReachField({ hosts, value, onChange, error }: ReachFieldProps) {
  return (
    <SelectField
      label="Reached by"
      value={value}
      onChange={onChange}
      error={error}
      help={value === ALL ? 'The same directory is mounted on each of them.' : 'What lies there is worked on and attached on that one only.'}
      options={[
        { value: ALL, label: 'All of the group', detail: 'They share it, as a mount' },
        ...hosts.map(({ id, name }) => ({ value: id, label: name, detail: 'Its own disk' })),
      ]}
    />
  )
}
