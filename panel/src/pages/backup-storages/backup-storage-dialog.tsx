/** Adds a backup storage, or changes one. An address that was not tested is saved untested only when asked twice. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { draftOf, draftReason, inputOf, isUntested, KIND_NAMES, type StorageDraft } from '~/lib/backup-storage'
import { placeErrors } from '~/lib/place-errors'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { Segmented } from '~/parts/segmented'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import type { BackupStorageDetail } from './backup-storages-query'
import { DestinationFields, PLACES } from './destination-fields'

const CreateBackupStorage = graphql(`
  mutation CreateBackupStorage($input: CreateBackupStorageInput!) {
    createBackupStorage(input: $input) {
      backupStorage { id name }
    }
  }
`)

const UpdateBackupStorage = graphql(`
  mutation UpdateBackupStorage($input: UpdateBackupStorageInput!) {
    updateBackupStorage(input: $input) {
      backupStorage { id name }
    }
  }
`)

const KINDS = (['S3', 'NFS', 'LOCAL'] as const).map((value) => ({ value, label: KIND_NAMES[value] }))

interface BackupStorageDialogProps {
  /** The one that is changed; a new one if there is none. */
  storage?: BackupStorageDetail
  onClosed: () => void
  /** It is saved, and is to be tested now. */
  onTest: (storage: { id: string; name: string }) => void
}

export function BackupStorageDialog({ storage, onClosed, onTest }: BackupStorageDialogProps) {
  const [next, setNext] = useState<{ id: string; name: string }>()
  const dialog = useDialog(() => (next ? onTest(next) : onClosed()))
  const creation = useSubmit(CreateBackupStorage)
  const update = useSubmit(UpdateBackupStorage)
  const { pending, failure } = storage ? update : creation
  const [draft, setDraft] = useState(() => draftOf(storage))
  const [asked, setAsked] = useState(false)
  const { at, rest } = placeErrors(failure, PLACES)
  const reason = draftReason(draft, storage)
  const untested = isUntested(draft, storage)
  const change = (changes: Partial<StorageDraft>) => {
    setDraft({ ...draft, ...changes })
    setAsked(false)
  }

  const save = async (thenTest: boolean) => {
    if (reason) return
    const input = inputOf(draft)
    const done = storage
      ? (await update.submit(() => ({ input: { backupStorageId: storage.id, ...input } })))?.updateBackupStorage
      : (await creation.submit(() => ({ input })))?.createBackupStorage
    if (!done) return
    if (thenTest) setNext(done.backupStorage)
    dialog.close()
  }
  const saveUntested = () => (asked ? void save(false) : setAsked(true))

  return (
    <Dialog
      {...dialog.props}
      wide
      title={storage ? <>Change <bdi>{storage.name}</bdi></> : 'Add a backup storage'}
      description={storage ? 'Where it is stays while backups lie there; the key to it can always be replaced.' : 'Each backup is an object under volumes/{volume_id}/ there.'}
      onSubmit={() => void save(untested)}
      actions={
        <>
          {untested && (
            <Button onClick={saveUntested} pending={pending && asked} reason={reason}>
              {asked ? 'Save untested' : 'Save…'}
            </Button>
          )}
          <Button kind="primary" type="submit" pending={pending && !asked} reason={reason}>
            {untested ? 'Save and test' : 'Save'}
          </Button>
        </>
      }
    >
      <FailureNotice failure={rest} isAdmin />
      <TextField label="Name" value={draft.name} onChange={(name) => change({ name })} bound={bounds.CreateBackupStorageInput.name} required />
      {storage ? (
        <DestinationFields draft={draft} onChange={change} errors={at} kept={storage} />
      ) : (
        <Segmented name="Type" options={KINDS} value={draft.kind} onChange={(kind) => change({ kind })}>
          <DestinationFields draft={draft} onChange={change} errors={at} />
        </Segmented>
      )}
      <TextField
        label="Bandwidth limit"
        optional
        value={draft.limit}
        onChange={(limit) => change({ limit })}
        inputMode="decimal"
        className="max-w-28"
        after="MiB/s for each agent"
        help="Operations that run already keep the old one."
      />
      {asked && untested && (
        <Notice live tone="warn" title="This has not been tested.">
          If something is wrong with it, backups fail until it is changed again.
        </Notice>
      )}
    </Dialog>
  )
}
