/** Which plans a restore may have. The gateway decides; this says it before it is asked. */

import { formatBytes } from './bytes'
import { isolate } from './isolate'
import { storageName } from './storage'

export interface Plan {
  id: string
  name: string
  sizeBytes: number
  storageType: string
}

export interface Source {
  noun: 'snapshot' | 'backup'
  storageType: string
  volumeSizeBytes: number
}

interface Place {
  name: string
  plans: readonly { id: string }[]
}

/** Why a plan cannot take what is restored; undefined if it can. */
export function planReason(plan: Plan, source: Source, place: Place | undefined): string | undefined {
  if (plan.storageType !== source.storageType) {
    return `${storageName(plan.storageType)} storage: can’t take a ${storageName(source.storageType)} ${source.noun}.`
  }
  if (plan.sizeBytes < source.volumeSizeBytes) {
    return `${formatBytes(plan.sizeBytes)} is smaller than this ${formatBytes(source.volumeSizeBytes)} ${source.noun}.`
  }
  if (place && !place.plans.some((one) => one.id === plan.id)) return `Not offered in ${isolate(place.name)}.`
  return undefined
}

/** The plan to begin with: the inherited one, else the smallest that fits. */
export function firstPlan(plans: readonly Plan[], source: Source, place: Place | undefined, inherited: string | undefined): string | undefined {
  const known = plans.find((plan) => plan.id === inherited)
  if (known) return known.id
  return plans
    .filter((plan) => planReason(plan, source, place) === undefined)
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0]?.id
}
