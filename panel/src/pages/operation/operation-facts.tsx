/** What an operation is about, as links. */

import type { QueuedOperation } from '~/pages/queue/queue-query'
import { OperationAge } from '~/pages/queue/operation-age'
import { type Fact, Facts } from '~/parts/facts'
import { TextLink } from '~/parts/text-link'
import { TimeLines } from '~/parts/time'

export function OperationFacts({ operation }: { operation: QueuedOperation }) {
  const { volume, targetVolume, backup, account, hypervisor, requestedBy } = operation
  const facts: Fact[] = [
    {
      label: 'Volume',
      value: volume ? <VolumeLink {...volume} /> : <span className="font-normal text-ink-3">{backup ? `${backup.volumeName}, gone` : 'Gone'}</span>,
    },
  ]
  if (targetVolume && targetVolume.id !== volume?.id) facts.push({ label: 'New volume', value: <VolumeLink {...targetVolume} /> })
  facts.push(
    {
      label: 'Account',
      value: (
        <TextLink to="/accounts/$accountId" params={{ accountId: account.id }}>
          <bdi>{account.name}</bdi>
        </TextLink>
      ),
    },
    {
      label: 'Hypervisor',
      value: (
        <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: hypervisor.id }} className="font-mono">
          <bdi>{hypervisor.name}</bdi>
        </TextLink>
      ),
    },
    { label: 'Asked for by', value: requestedBy?.email ?? 'The platform' },
    { label: 'Asked for', value: <TimeLines at={operation.createdAt} /> },
    { label: operation.finishedAt ? 'Duration' : 'Age', value: <OperationAge operation={operation} labelled /> },
  )
  if (!operation.finishedAt) facts.push({ label: 'Deadline', value: <TimeLines at={operation.deadlineAt} /> })
  return <Facts facts={facts} />
}

function VolumeLink({ id, name }: { id: string; name: string }) {
  return (
    <TextLink to="/volumes/$volumeId" params={{ volumeId: id }} search={{ tab: 'activity' }}>
      <bdi>{name}</bdi>
    </TextLink>
  )
}
