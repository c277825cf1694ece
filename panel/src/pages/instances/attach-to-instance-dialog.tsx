/** Gives an instance another of its owner's volumes. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { formatBytes } from '~/lib/bytes'
import { useFirst } from '~/lib/use-first'
import { AttachVolume } from '~/pages/volume/dialogs/attach-dialog'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { SelectField } from '~/parts/select-field'
import { useDialog } from '~/parts/use-dialog'

const FreeVolumes = graphql(`
  query FreeVolumes($accountId: ID!) {
    volumes(filter: { accountId: $accountId, status: AVAILABLE }, orderBy: { field: NAME, direction: ASC }, first: 100) {
      nodes { id name sizeBytes dataState plan { id name } }
    }
  }
`)

interface AttachToInstanceDialogProps {
  instance: { id: string; name: string; account: { id: string } }
  onClosed: () => void
}

export function AttachToInstanceDialog({ instance, onClosed }: AttachToInstanceDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(AttachVolume)
  const [{ data }] = useKeptQuery({ query: FreeVolumes, variables: { accountId: instance.account.id } })
  const [chosen, setChosen] = useState<string>()
  const volumes = data?.volumes.nodes
  const suggested = useFirst(volumes?.find((volume) => volume.dataState === 'CONSISTENT')?.id)
  const volumeId = chosen ?? suggested
  const attach = async () => {
    if (volumeId && (await submit(() => ({ input: { volumeId, instanceId: instance.id } })))) dialog.close()
  }
  return (
    <Dialog
      {...dialog.props}
      title={<>Attach a volume to <bdi>{instance.name}</bdi></>}
      onSubmit={() => void attach()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={volumeId ? null : 'No volume is free.'}>
          Attach volume
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      {volumes?.length === 0 ? (
        <Notice tone="info" title="No volume is free.">
          Each is attached to an instance, or is being made or deleted.
        </Notice>
      ) : (
        <SelectField
          label="Volume"
          value={volumeId ?? ''}
          onChange={setChosen}
          options={(volumes ?? []).map(({ id, name, sizeBytes, plan, dataState }) => ({
            value: id,
            label: name,
            detail: `${formatBytes(sizeBytes)}, ${plan.name}`,
            reason: dataState === 'INCONSISTENT' ? 'It is partly overwritten. Roll it back again first.' : undefined,
          }))}
        />
      )}
    </Dialog>
  )
}
