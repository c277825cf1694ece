/** What the new volume of a restore is to be: inherited from the source's, and changeable. */

import { useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { restoredName } from '~/lib/default-name'
import { firstPlan, planReason, type Plan } from '~/lib/restore-plans'
import { tooLong } from '~/lib/text-bound'
import { useFirst } from '~/lib/use-first'

import type { RestoreOptions, RestoreSource } from './restore-query'

export interface NewVolume {
  name: string
  setName: (name: string) => void
  /** What it is called unless it is named. */
  unnamed: string
  plans: readonly Plan[]
  planId: string
  setPlanId: (id: string) => void
  groupId: string
  setGroupId: (id: string) => void
  /** Why the chosen plan will not do, plan by plan. */
  planReason: (plan: Plan) => string | undefined
  /** Why it cannot be sent. */
  reason: string | null
  input: { name: string; planId: string; hypervisorGroupId: string }
}

/** What the new volume is called unless it is named, where there are these already. */
export function restoredBy(source: RestoreSource, taken?: readonly string[]): string {
  return restoredName(source.volumeName, bounds.RestoreToNewVolumeInput.name.most, taken)
}

export function useNewVolume(source: RestoreSource, options: RestoreOptions | undefined): NewVolume {
  const [name, setName] = useState('')
  const [chosenPlan, setPlanId] = useState<string>()
  const [chosenGroup, setGroupId] = useState<string>()
  const own = options?.volume?.plan
  const offered: readonly Plan[] = options?.volumePlans ?? []
  // The plan of the source may no longer be offered to new volumes.
  const plans = own && !offered.some((plan) => plan.id === own.id) ? [own, ...offered] : offered
  const groups = options?.hypervisorGroups ?? []
  const groupId = chosenGroup ?? options?.volume?.hypervisorGroup.id ?? groups[0]?.id ?? ''
  const group = groups.find((one) => one.id === groupId)
  const reasonFor = (plan: Plan) => planReason(plan, source, group)
  const suggested = useFirst(firstPlan(plans, source, group, own?.id), groupId)
  const planId = chosenPlan ?? suggested ?? ''
  const plan = plans.find((one) => one.id === planId)
  const unnamed = restoredBy(source, options?.called.nodes.map((one) => one.name))

  return {
    name,
    setName,
    unnamed,
    plans,
    planId,
    setPlanId,
    groupId,
    setGroupId,
    planReason: reasonFor,
    reason: options === undefined ? 'The plans are being loaded.' : plan ? (reasonFor(plan) ?? tooLong(name, bounds.RestoreToNewVolumeInput.name) ?? null) : 'No plan can take it.',
    input: { name: name.trim() || unnamed, planId, hypervisorGroupId: groupId },
  }
}
