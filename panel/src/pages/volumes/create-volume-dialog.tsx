/** Makes an empty volume. */

import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { useIsAdmin, useSession } from '~/app/session'
import { formatBytes } from '~/lib/bytes'
import { storageName } from '~/lib/storage'
import { textReason } from '~/lib/text-bound'
import { useFirst } from '~/lib/use-first'
import { useAccountNames } from '~/pages/accounts/use-account-names'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

const Places = graphql(`
  query PlacesForVolumes {
    hypervisorGroups { id name plans { id name sizeBytes storageType } }
  }
`)

const CreateVolume = graphql(
  `
    mutation CreateVolume($input: CreateVolumeInput!, $isAdmin: Boolean!) {
      createVolume(input: $input) {
        volume { id name }
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

interface CreateVolumeDialogProps {
  /** Whose it will be, if not the viewer's. */
  account?: { id: string; name: string }
  onClosed: () => void
}

export default function CreateVolumeDialog({ account, onClosed }: CreateVolumeDialogProps) {
  const navigate = useNavigate()
  const isAdmin = useIsAdmin()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreateVolume)
  const [{ data }] = useKeptQuery({ query: Places })
  const { viewer } = useSession()
  const { accounts } = useAccountNames(isAdmin && !account)
  const [owner, setOwner] = useState(viewer.account.id)
  const [name, setName] = useState('')
  const [chosenGroup, setGroup] = useState<string>()
  const [chosenPlan, setPlan] = useState<string>()
  const groups = data?.hypervisorGroups ?? []
  const offering = groups.find((one) => one.plans.length > 0)
  const firstGroup = useFirst(offering?.id)
  const group = groups.find((one) => one.id === (chosenGroup ?? firstGroup)) ?? offering
  const offered = group?.plans ?? []
  const firstPlan = useFirst(offered[0]?.id, group?.id)
  const plan = offered.find((one) => one.id === chosenPlan) ?? offered.find((one) => one.id === firstPlan) ?? offered[0]
  const reason = textReason(name, bounds.CreateVolumeInput.name, 'Name the volume first.') ?? (plan ? null : 'There is no plan to make it of.')

  const create = async () => {
    if (reason || !group || !plan) return
    const done = await submit((idempotencyKey) => ({
      input: { accountId: account?.id ?? (owner === viewer.account.id ? undefined : owner), name: name.trim(), planId: plan.id, hypervisorGroupId: group.id, idempotencyKey },
      isAdmin,
    }))
    if (!done) return
    dialog.close()
    void navigate({ to: '/volumes/$volumeId', params: { volumeId: done.createVolume.volume.id } })
  }

  return (
    <Dialog
      {...dialog.props}
      title={account ? <>Create a volume of <bdi>{account.name}</bdi></> : 'Create a volume'}
      description="An empty disk. It can be attached to an instance in the same location."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create volume
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateVolumeInput.name} required />
      {isAdmin && !account && (
        <SelectField
          label="Owner"
          value={owner}
          onChange={setOwner}
          options={(accounts.length > 0 ? accounts : [viewer.account]).map(({ id, name: label }) => ({ value: id, label }))}
        />
      )}
      <SelectField
        label="Location"
        value={group?.id ?? ''}
        onChange={setGroup}
        options={groups.map(({ id, name: label, plans }) => ({ value: id, label, reason: plans.length === 0 ? 'No plan is offered here.' : undefined }))}
      />
      <SelectField
        label="Plan"
        value={plan?.id ?? ''}
        onChange={setPlan}
        options={offered.map((one) => ({ value: one.id, label: one.name, detail: `${formatBytes(one.sizeBytes)}, ${storageName(one.storageType)}` }))}
      />
    </Dialog>
  )
}
