/** The title of a volume's page, what can be done with it, and its facts. */

import { useState } from 'react'

import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { HOLDS, isRestoreOrDelete, onlyCodes, reasonOf } from '~/lib/guards'
import { storageName } from '~/lib/storage'
import { Button } from '~/parts/button'
import { CopyId } from '~/parts/copy-id'
import { type Fact, Facts } from '~/parts/facts'
import { PageTitle } from '~/parts/page-title'
import { TextLink } from '~/parts/text-link'

import { AttachDialog } from './dialogs/attach-dialog'
import { DetachDialog } from './dialogs/detach-dialog'
import type { VolumeDetail } from './volume-query'
import { VolumeStatus } from './volume-status'

export function VolumeHeader({ volume }: { volume: VolumeDetail }) {
  const isAdmin = useIsAdmin()
  const [opened, setOpened] = useState<'attach' | 'detach'>()
  const { attachedTo } = volume
  const facts: Fact[] = [
    { label: 'Size', value: formatBytes(volume.sizeBytes) },
    { label: 'Plan', value: volume.plan.name },
    { label: 'Location', value: volume.hypervisorGroup.name },
    { label: 'Storage', value: storageName(volume.storageType) },
    {
      label: 'Attached to',
      value: attachedTo ? (
        <TextLink to="/instances" search={isAdmin ? { account: volume.account.id } : {}} hash={attachedTo.id}>
          <bdi>{attachedTo.name}</bdi>
        </TextLink>
      ) : ( 
        <span className="font-normal text-ink-3">Not attached</span>
      ),
    },
  ]
  if (isAdmin) facts.push({ label: 'Owner', value: <TextLink to="/accounts/$accountId" params={{ accountId: volume.account.id }}><bdi>{volume.account.name}</bdi></TextLink> })
  if (volume.hypervisor) {
    const { id, name } = volume.hypervisor
    facts.push({ label: 'Hypervisor', value: <TextLink to="/hypervisors/$hypervisorId" params={{ hypervisorId: id }} className="font-mono"><bdi>{name}</bdi></TextLink> })
  }
  const close = () => setOpened(undefined)
  return (
    <div className="flex flex-col gap-5 pb-6">
      <PageTitle
        title={volume.name}
        section="Volumes"
        status={<VolumeStatus {...volume} />}
        below={<CopyId id={volume.id} what={volume.name} />}
        actions={
          attachedTo ? (
            <Button reason={attachReason(volume)} onClick={() => setOpened('detach')}>
              Detach…
            </Button>
          ) : (
            <Button reason={attachReason(volume)} onClick={() => setOpened('attach')}>
              Attach…
            </Button>
          )
        }
      />
      <Facts facts={facts} />
      {opened === 'attach' && <AttachDialog volume={volume} onClosed={close} />}
      {opened === 'detach' && attachedTo && <DetachDialog volume={volume} instance={attachedTo} onClosed={close} />}
    </div>
  )
}

function attachReason({ activeOperation, actions, dataState, attachedTo }: VolumeDetail): string | null {
  if (activeOperation && (isRestoreOrDelete(activeOperation.kind) || activeOperation.kind === 'CREATE_VOLUME')) {
    return reasonOf(onlyCodes(actions.restoreInPlace.blockers, HOLDS), { now: 0 })
  }
  if (dataState === 'INCONSISTENT' && !attachedTo) return 'It is partly overwritten. Roll back again first.'
  return null
}
