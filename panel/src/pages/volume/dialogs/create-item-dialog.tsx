/** Takes a snapshot, or creates a backup. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { formatCredits, monthlyCredits } from '~/lib/credits'
import { defaultName } from '~/lib/default-name'
import { tooLong } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import type { ItemKind } from '../items/recovery-ribbon'
import type { VolumeDetail } from '../volume-query'

const CreateSnapshot = graphql(
  `
    mutation CreateSnapshot($input: CreateSnapshotInput!, $isAdmin: Boolean!) {
      createSnapshot(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

const CreateBackup = graphql(
  `
    mutation CreateBackup($input: CreateBackupInput!, $isAdmin: Boolean!) {
      createBackup(input: $input) {
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

interface CreateItemDialogProps {
  volume: VolumeDetail
  kind: ItemKind
  onClosed: () => void
}

export function CreateItemDialog({ volume, kind, onClosed }: CreateItemDialogProps) {
  const isSnapshot = kind === 'snapshots'
  const { clock, operations } = useApi()
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const snapshot = useSubmit(CreateSnapshot)
  const backup = useSubmit(CreateBackup)
  const { pending, failure } = isSnapshot ? snapshot : backup
  const [name, setName] = useState('')
  const bound = (isSnapshot ? bounds.CreateSnapshotInput : bounds.CreateBackupInput).name
  const [unnamed] = useState(() => defaultName(volume.name, clock.now(), bound.most, (isSnapshot ? volume.snapshots : volume.backups).nodes.map((one) => one.name)))
  const reason = tooLong(name, bound) ?? null

  const submit = async () => {
    if (reason) return
    const subjectName = name.trim() || unnamed
    const variables = (idempotencyKey: string) => ({
      input: { volumeId: volume.id, name: subjectName, idempotencyKey },
      isAdmin,
    })
    const answered = operations.expect(volume.id, { kind: isSnapshot ? 'CREATE_SNAPSHOT' : 'CREATE_BACKUP', subjectName })
    const done = isSnapshot ? await snapshot.submit(variables) : await backup.submit(variables)
    answered()
    if (done) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={isSnapshot ? 'Take a snapshot' : 'Create a backup'}
      description={
        isSnapshot ? (
          <>Marks <bdi>{volume.name}</bdi> as it is now, on its own storage. It takes seconds.</>
        ) : (
          <>Copies all of <bdi>{volume.name}</bdi> to a separate storage. It runs in the background.</>
        )
      }
      onSubmit={() => void submit()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          {isSnapshot ? 'Take snapshot' : 'Create backup'}
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin={isAdmin} />
      <TextField label="Name" optional value={name} onChange={setName} placeholder={unnamed} bound={bound} />
      <div className="flex flex-col gap-1 text-small text-ink-2">
        {volume.attachedTo?.status === 'RUNNING' && (
          <p>
            <span className="font-medium text-ink"><bdi>{volume.attachedTo.name}</bdi></span> is running: it will be what is on the disk at this moment, as after a power cut. Stop the instance first for a clean state.
          </p>
        )}
        <p className="nums">{price(volume, isSnapshot)}</p>
      </div>
    </Dialog>
  )
}

function price({ plan, sizeBytes }: VolumeDetail, isSnapshot: boolean): string {
  const perGib = isSnapshot ? plan.snapshotCreditValue : plan.backupCreditValue
  if (Number(perGib) === 0) return 'Free within the plan’s limit.'
  if (isSnapshot) return `Costs ${formatCredits(perGib)} a month for each GiB that changes afterwards.`
  return `Costs ${formatCredits(monthlyCredits(sizeBytes, perGib))} a month for ${formatBytes(sizeBytes)}.`
}
