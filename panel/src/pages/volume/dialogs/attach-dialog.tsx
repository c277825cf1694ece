/** Attaches a volume to one of its owner's instances. */

import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { useFirst } from '~/lib/use-first'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { SelectField } from '~/parts/select-field'
import { useDialog } from '~/parts/use-dialog'

const Instances = graphql(`
  query InstancesToAttach($accountId: ID!) {
    instances(first: 100, filter: { accountId: $accountId }) {
      nodes { id name status }
    }
  }
`)

export const AttachVolume = graphql(`
  mutation AttachVolume($input: AttachVolumeInput!) {
    attachVolume(input: $input) {
      volume { id }
    }
  }
`)

interface AttachDialogProps {
  volume: { id: string; name: string; account: { id: string } }
  onClosed: () => void
}

export function AttachDialog({ volume, onClosed }: AttachDialogProps) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(AttachVolume)
  const [{ data }] = useKeptQuery({ query: Instances, variables: { accountId: volume.account.id } })
  const [chosen, setChosen] = useState<string>()
  const instances = data?.instances.nodes
  const suggested = useFirst(instances?.[0]?.id)
  const instanceId = chosen ?? suggested
  const attach = async () => {
    if (instanceId && (await submit(() => ({ input: { volumeId: volume.id, instanceId } })))) dialog.close()
  }
  return (
    <Dialog
      {...dialog.props}
      title={<>Attach <bdi>{volume.name}</bdi></>}
      description="The instance sees it as another disk."
      onSubmit={() => void attach()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={instanceId ? null : 'There is no instance to attach it to.'}>
          Attach volume
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      {instances?.length === 0 ? (
        <Notice tone="info" title="There is no instance yet." />
      ) : (
        <SelectField
          label="Instance"
          value={instanceId ?? ''}
          onChange={setChosen}
          options={(instances ?? []).map(({ id, name, status }) => ({
            value: id,
            label: name,
            detail: status === 'RUNNING' ? 'Running' : 'Stopped',
          }))}
        />
      )}
    </Dialog>
  )
}
