/** Creates a plan. Its size and storage stay for ever. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { GIB } from '~/lib/bytes'
import { NEW_PLAN, planInput } from '~/lib/plan-draft'
import { placeErrors } from '~/lib/place-errors'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { CheckField } from '~/parts/check-field'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'
import { useDialog } from '~/parts/use-dialog'

import { PLAN_PLACES, PlanFields } from './plan-fields'

const CreatePlan = graphql(`
  mutation CreateVolumePlan($input: CreateVolumePlanInput!) {
    createVolumePlan(input: $input) {
      plan { id name }
    }
  }
`)

const TYPES = [
  { value: 'QCOW2_FILE', label: 'QCOW2 file' },
  { value: 'CEPH_RBD', label: 'Ceph' },
] as const

export function CreatePlanDialog({ onClosed }: { onClosed: () => void }) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(CreatePlan)
  const [name, setName] = useState('')
  const [size, setSize] = useState('')
  const [storageType, setStorageType] = useState<'QCOW2_FILE' | 'CEPH_RBD'>('QCOW2_FILE')
  const [enabled, setEnabled] = useState(true)
  const [draft, setDraft] = useState(NEW_PLAN)
  const sizeBytes = /^\d+(\.\d+)?$/.test(size.trim()) ? Math.round(Number(size) * GIB) : 0
  const input = planInput(draft)
  const { at, rest } = placeErrors(failure, PLAN_PLACES)
  const reason = textReason(name, bounds.CreateVolumePlanInput.name, 'Name the plan first.') ?? (sizeBytes === 0 ? 'Say how large its volumes are.' : input ? null : 'Caps and credits are numbers, the deadline hours and minutes.')

  const create = async () => {
    if (reason || !input) return
    if (await submit(() => ({ input: { name: name.trim(), sizeBytes, storageType, enabled, ...input } }))) dialog.close()
  }

  return (
    <Dialog
      {...dialog.props}
      wide
      title="Create a plan"
      description="Size and storage can’t be changed afterwards."
      onSubmit={() => void create()}
      actions={
        <Button kind="primary" type="submit" pending={pending} reason={reason}>
          Create plan
        </Button>
      }
    >
      <FailureNotice failure={rest} isAdmin />
      <TextField label="Name" value={name} onChange={setName} bound={bounds.CreateVolumePlanInput.name} placeholder="NVMe 40" required />
      <div className="grid gap-5 sm:grid-cols-2">
        <TextField label="Size" value={size} onChange={setSize} inputMode="decimal" className="max-w-24 nums" after="GiB" required />
        <SelectField label="Storage" value={storageType} onChange={setStorageType} options={TYPES} />
        <PlanFields draft={draft} onChange={(changes) => setDraft({ ...draft, ...changes })} errors={at} />
      </div>
      <CheckField label="Offer it" help="New volumes may have it, where a storage pool has its storage." checked={enabled} onChange={setEnabled} />
    </Dialog>
  )
}
