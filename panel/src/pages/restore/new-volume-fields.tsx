/** Name, plan and location of the volume that a restore makes. */

import * as bounds from '~/api/bounds.generated'
import { formatBytes } from '~/lib/bytes'
import { storageName } from '~/lib/storage'
import { SelectField } from '~/parts/select-field'
import { Sentence } from '~/parts/sentence'
import { TextField } from '~/parts/text-field'

import type { RestoreOptions } from './restore-query'
import type { NewVolume } from './use-new-volume'

interface NewVolumeFieldsProps {
  options: RestoreOptions | undefined
  newVolume: NewVolume
}

export function NewVolumeFields({ options, newVolume }: NewVolumeFieldsProps) {
  const plan = newVolume.plans.find((one) => one.id === newVolume.planId)
  const reason = plan && newVolume.planReason(plan)
  return (
    <>
      <TextField label="Name" optional value={newVolume.name} onChange={newVolume.setName} placeholder={newVolume.unnamed} bound={bounds.RestoreToNewVolumeInput.name} />
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label="Plan"
          value={newVolume.planId}
          onChange={newVolume.setPlanId}
          error={reason && <Sentence>{reason}</Sentence>}
          options={newVolume.plans.map((one) => ({
            value: one.id,
            label: one.name,
            detail: `${formatBytes(one.sizeBytes)}, ${storageName(one.storageType)}`,
            reason: newVolume.planReason(one),
          }))}
        />
        <SelectField
          label="Location"
          value={newVolume.groupId}
          onChange={newVolume.setGroupId}
          options={(options?.hypervisorGroups ?? []).map((group) => ({ value: group.id, label: group.name }))}
        />
      </div>
    </>
  )
}
