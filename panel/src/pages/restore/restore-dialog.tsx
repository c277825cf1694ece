/** Restores a snapshot or backup: to a new volume, which is safe, or over the one it was made of. */

import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import { useApi, useServerTime } from '~/api/context'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { confirmation } from '~/lib/confirm-name'
import { type Blocker, reasonOf } from '~/lib/guards'
import { formatInstant } from '~/lib/instant'
import { mayNeedNewImage } from '~/lib/new-image'
import { Button } from '~/parts/button'
import { CheckField } from '~/parts/check-field'
import { ChoiceCards } from '~/parts/choice-cards'
import { ConfirmName } from '~/parts/confirm-name'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { useDialog } from '~/parts/use-dialog'

import { Blocked } from './blocked'
import { NewVolumeFields } from './new-volume-fields'
import { RestoreInPlace, RestoreOptions, type RestoreSource, RestoreToNewVolume, sourceInput } from './restore-query'
import { restoredBy, useNewVolume } from './use-new-volume'

type Way = 'new' | 'in-place'

const WAYS = [
  { value: 'new', title: 'Restore to a new volume', text: 'Safest. Creates a separate volume; this one is left alone.' },
  { value: 'in-place', title: 'Roll back this volume', text: 'Overwrites everything written since. The volume must not be in use.' },
] as const

/** What another plan would heal. */
const OF_THE_PLAN = ['STORAGE_TYPE_MISMATCH', 'TARGET_TOO_SMALL']

export function RestoreDialog({ source, onClosed }: { source: RestoreSource; onClosed: () => void }) {
  const navigate = useNavigate()
  const { operations } = useApi()
  const isAdmin = useIsAdmin()
  const now = useServerTime('second')
  const dialog = useDialog(onClosed)
  const [way, setWay] = useState<Way>('new')
  const [typed, setTyped] = useState('')
  const [replacing, setReplacing] = useState(false)
  const [{ data }] = useKeptQuery({ query: RestoreOptions, variables: { volumeId: source.volumeId, source: sourceInput(source), restored: restoredBy(source) } })
  const volume = data?.volume ?? undefined
  const newVolume = useNewVolume(source, data)
  const toNew = useSubmit(RestoreToNewVolume)
  const inPlace = useSubmit(RestoreInPlace)
  const { pending, failure } = way === 'new' ? toNew : inPlace

  const canReplace = source.noun === 'backup' && volume !== undefined && mayNeedNewImage(volume)
  const replaceImage = canReplace && replacing
  const blockers: readonly Blocker[] =
    way === 'in-place'
      ? ((replaceImage ? volume?.actions.replacing : volume?.actions.restoreInPlace)?.blockers ?? [])
      : (volume?.actions.restoreToNewVolume.blockers ?? []).filter(({ code }) => !OF_THE_PLAN.includes(code))
  const blocked = reasonOf(blockers, { now, instance: volume?.attachedTo?.name })
  const volumeName = volume?.name ?? source.nameNow ?? ''
  const matches = confirmation(typed, volumeName) === 'same'
  const reason = blocked ?? (way === 'new' ? newVolume.reason : matches ? null : 'Type the volume’s name first.')

  const submit = async () => {
    if (reason) return
    if (way === 'in-place') {
      const answered = operations.expect(source.volumeId, { kind: 'RESTORE_IN_PLACE', subjectName: source.name })
      const done = await inPlace.submit((idempotencyKey) => ({
        input: { volumeId: source.volumeId, source: sourceInput(source), confirmName: typed, replaceImage, idempotencyKey },
        isAdmin,
      }))
      answered()
      if (done) dialog.close()
      return
    }
    const done = await toNew.submit((idempotencyKey) => ({ input: { source: sourceInput(source), ...newVolume.input, idempotencyKey }, isAdmin }))
    if (!done) return
    dialog.close()
    // Its progress is shown there.
    void navigate({ to: '/volumes/$volumeId', params: { volumeId: done.restoreToNewVolume.volume.id } })
  }

  return (
    <Dialog
      {...dialog.props}
      wide
      title={<>Restore from <bdi>{source.name}</bdi></>}
      description={
        <>
          {source.noun === 'snapshot' ? 'Snapshot' : 'Backup'} of <bdi>{source.volumeName}</bdi>, {formatInstant(Date.parse(source.createdAt))}, {formatBytes(source.volumeSizeBytes)}
        </>
      }
      onSubmit={() => void submit()}
      actions={
        <Button kind={way === 'new' ? 'primary' : 'danger'} type="submit" pending={pending} reason={reason}>
          {way === 'new' ? 'Create volume' : 'Overwrite and roll back'}
        </Button>
      }
    >
      {source.nameNow !== undefined && <ChoiceCards name="Way of restoring" options={WAYS} value={way} onChange={setWay} />}
      <FailureNotice failure={failure} isAdmin={isAdmin} />
      {way === 'in-place' && canReplace && (
        <CheckField
          label="Where the image is damaged or gone, make a new one"
          help="The volume’s snapshots lie in the image, and are lost with it. A sound image is kept."
          checked={replacing}
          onChange={setReplacing}
        />
      )}
      <Blocked blockers={blockers} reason={blocked} volume={volume} onNewVolume={() => setWay('new')} />
      {way === 'new' && <NewVolumeFields options={data} newVolume={newVolume} />}
      {way === 'in-place' && blockers.length === 0 && (
        <>
          <p className="text-small text-ink-2">
            What was written to <span className="font-medium text-ink"><bdi>{volumeName}</bdi></span> since then is lost. {replaceImage ? 'Newer backups stay, and snapshots unless a new image is made.' : 'Newer snapshots and backups stay.'}
          </p>
          <ConfirmName name={volumeName} typed={typed} onType={setTyped} />
        </>
      )}
    </Dialog>
  )
}
