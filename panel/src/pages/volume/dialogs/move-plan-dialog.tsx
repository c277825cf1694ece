/** Moves a volume to another plan of its size and storage. */

import { useState } from 'react'

import { graphql, type ResultOf } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { formatCreditRate } from '~/lib/credits'
import { termEffects } from '~/lib/plan-draft'
import { useFirst } from '~/lib/use-first'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { Effects } from '~/parts/effects'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { SelectField } from '~/parts/select-field'
import { useDialog } from '~/parts/use-dialog'

import type { VolumeDetail } from '../volume-query'

const PlansToMoveTo = graphql(`
  query PlansToMoveTo {
    volumePlans { id name sizeBytes storageType enabled maxSnapshots maxBackups snapshotCreditValue backupCreditValue }
  }
`)

const MoveVolumeToPlan = graphql(`
  mutation MoveVolumeToPlan($input: MoveVolumeToPlanInput!) {
    moveVolumeToPlan(input: $input) {
      volume { id plan { id name } }
    }
  }
`)

type Offered = ResultOf<typeof PlansToMoveTo>['volumePlans'][number]

export function MovePlanDialog({ volume, onClosed }: { volume: VolumeDetail; onClosed: () => void }) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(MoveVolumeToPlan)
  const [{ data }] = useKeptQuery({ query: PlansToMoveTo })
  const [chosen, setChosen] = useState<string>()
  const fits = ({ enabled, sizeBytes, storageType }: Offered) => enabled && sizeBytes === volume.sizeBytes && storageType === volume.storageType
  const plans = data?.volumePlans.filter((one) => one.id !== volume.plan.id && fits(one))
  const suggested = useFirst(plans?.[0]?.id)
  const plan = plans?.find((one) => one.id === (chosen ?? suggested))
  const { snapshots, backups, ...caps } = volume.usage
  const above = plan && (snapshots > plan.maxSnapshots || backups > plan.maxBackups)
  const reason = plan ? null : plans ? 'There is no other plan for it.' : 'The plans are being loaded.'

  const move = async () => {
    if (plan && (await submit(() => ({ input: { volumeId: volume.id, planId: plan.id } })))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      title={<>Move <bdi>{volume.name}</bdi> to another plan</>}
      description={<>It has the plan <bdi>{volume.plan.name}</bdi> now. Nothing on it changes.</>}
      onSubmit={() => void move()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Move volume
        </Button>
      }
    >
      <FailureNotice failure={failure} isAdmin />
      {plans?.length === 0 ? (
        <Notice tone="info" title="There is no other plan for it.">
          No other enabled plan has its size and its storage.
        </Notice>
      ) : (
        <SelectField
          label="Plan"
          value={plan?.id ?? ''}
          onChange={setChosen}
          options={(plans ?? []).map((one) => ({
            value: one.id,
            label: one.name,
            detail: `${one.maxSnapshots} snapshots, ${formatCreditRate(one.snapshotCreditValue)} · ${one.maxBackups} backups, ${formatCreditRate(one.backupCreditValue)}`,
          }))}
        />
      )}
      {plan && <Effects effects={termEffects({ ...volume.plan, ...caps }, plan, 'this volume')} />}
      {above && (
        <Notice tone="warn" title="It holds more than that plan allows.">
          {`It has ${snapshots} of ${plan.maxSnapshots} snapshots and ${backups} of ${plan.maxBackups} backups then. It keeps them, but can’t add.`}
        </Notice>
      )}
    </Dialog>
  )
}
