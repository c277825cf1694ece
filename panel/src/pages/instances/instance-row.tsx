/** An instance in the list: its volumes, and how it is started, stopped and given another. */

import { Play, Plus, Square } from 'lucide-react'
import { useState } from 'react'

import { formatCredits } from '~/lib/credits'
import { isRestoreOrDelete } from '~/lib/guards'
import { isolate } from '~/lib/isolate'
import { operationWords } from '~/lib/operation-words'
import { DetachDialog } from '~/pages/volume/dialogs/detach-dialog'
import { ActionMenu } from '~/parts/action-menu'
import { Button } from '~/parts/button'
import { Status } from '~/parts/status'
import { Cell, Lines, Row } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

import { AttachToInstanceDialog } from './attach-to-instance-dialog'
import { AttachedVolume } from './attached-volume'
import type { InstanceAction } from './instance-action-dialog'
import type { InstanceRow } from './instances-query'
import { StopInstanceDialog } from './stop-instance-dialog'
import { useStartInstance } from './use-start-instance'

type Opened = { dialog: 'stop' | 'attach' } | { dialog: 'detach'; volume: { id: string; name: string } }

interface InstanceTableRowProps {
  instance: InstanceRow
  isAdmin: boolean
  /** The row may go by it: its dialog is the page's. */
  onAct: (action: InstanceAction, instance: InstanceRow) => void
}

export function InstanceTableRow({ instance, isAdmin, onAct }: InstanceTableRowProps) {
  const [opened, setOpened] = useState<Opened>()
  const { start, pending } = useStartInstance(instance)
  const running = instance.status === 'RUNNING'
  const close = () => setOpened(undefined)

  return (
    <Row id={instance.id}>
      <Cell>
        <Lines
          first={<span className="text-body font-medium"><bdi>{instance.name}</bdi></span>}
          second={
            instance.hypervisor && (
              <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: instance.hypervisor.id }} className="font-mono">
                <bdi>{instance.hypervisor.name}</bdi>
              </TextLink>
            )
          }
          title={instance.name}
        />
      </Cell>
      <Cell place="right">{running ? <Status tone="plain">Running</Status> : <Status tone="neutral">Stopped</Status>}</Cell>
      <Cell place="wide">
        <ul className="flex flex-wrap items-center gap-2">
          {instance.volumes.map((volume) => (
            <AttachedVolume key={volume.id} volume={volume} onDetach={() => setOpened({ dialog: 'detach', volume })} />
          ))}
          <li>
            <Button kind="quiet" size="small" icon={<Plus size={14} aria-hidden />} onClick={() => setOpened({ dialog: 'attach' })} aria-label={`Attach a volume to ${instance.name}`}>
              Attach
            </Button>
          </li>
        </ul>
      </Cell>
      {isAdmin && (
        <Cell place="gone" className="max-w-40 truncate">
          <TextLink to="/accounts/$accountId" params={{ accountId: instance.account.id }} title={instance.account.name}>
            <bdi>{instance.account.name}</bdi>
          </TextLink>
        </Cell>
      )}
      <Cell right place="gone" className="whitespace-nowrap text-ink-2">
        {formatCredits(instance.creditsPerHour)}
      </Cell>
      <Cell place="late">
        <div className="flex items-center justify-end gap-2">
          {running ? (
            <Button size="small" icon={<Square size={14} aria-hidden />} onClick={() => setOpened({ dialog: 'stop' })} aria-label={`Stop ${instance.name}`}>
              Stop…
            </Button>
          ) : (
            <Button size="small" icon={<Play size={14} aria-hidden />} pending={pending} reason={startReason(instance)} onClick={start} aria-label={`Start ${instance.name}`}>
              Start
            </Button>
          )}
          {isAdmin && (
            <ActionMenu
              label={`Actions for ${instance.name}`}
              actions={[
                { label: 'Rename…', onChoose: () => onAct('rename', instance) },
                { label: 'Delete…', onChoose: () => onAct('delete', instance) },
              ]}
            />
          )}
        </div>
        {opened?.dialog === 'stop' && <StopInstanceDialog instance={instance} onClosed={close} />}
        {opened?.dialog === 'attach' && <AttachToInstanceDialog instance={instance} onClosed={close} />}
        {opened?.dialog === 'detach' && <DetachDialog volume={opened.volume} instance={instance} onClosed={close} />}
      </Cell>
    </Row>
  )
}

function startReason({ volumes }: InstanceRow): string | null {
  const broken = volumes.find((volume) => volume.dataState === 'INCONSISTENT')
  if (broken) return `${isolate(broken.name)} is partly overwritten. Roll it back again first.`
  const held = volumes.find((volume) => volume.activeOperation && isRestoreOrDelete(volume.activeOperation.kind))
  return held?.activeOperation ? `${isolate(held.name)} is busy: ${operationWords(held.activeOperation.kind).running.toLowerCase()}.` : null
}
