/** What is typed of a plan's caps, prices and deadline: whether it can be saved, and what is sent. */

import { UpdateVolumePlanInput } from '~/api/bounds.generated'

import { isSame, priceProblem } from './credits'
import { formatDeadline, readDeadline } from './deadline'
import { counted } from './pages'

export interface PlanDraft {
  maxSnapshots: string
  maxBackups: string
  snapshotCredits: string
  backupCredits: string
  /** How long an operation may take; empty as the platform has it. */
  deadline: string
}

interface KnownPlan {
  maxSnapshots: number
  maxBackups: number
  snapshotCreditValue: string
  backupCreditValue: string
  operationDeadlineSeconds: number | null
}

export const NEW_PLAN: PlanDraft = { maxSnapshots: '5', maxBackups: '10', snapshotCredits: '0', backupCredits: '0', deadline: '' }

export function planDraftOf(plan: KnownPlan): PlanDraft {
  return {
    maxSnapshots: String(plan.maxSnapshots),
    maxBackups: String(plan.maxBackups),
    snapshotCredits: plan.snapshotCreditValue,
    backupCredits: plan.backupCreditValue,
    deadline: formatDeadline(plan.operationDeadlineSeconds),
  }
}

/** The highest cap that the gateway takes. */
export const HIGHEST_CAP = UpdateVolumePlanInput.maxSnapshots.most

/** A whole number from 0 to the highest cap; undefined for what is none. */
export function readCap(text: string): number | undefined {
  const number = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  return number <= HIGHEST_CAP ? number : undefined
}

/** A price as it was written; undefined for what the gateway would not take. */
export function readCredits(text: string): string | undefined {
  if (priceProblem(text) !== undefined) return undefined
  return text.trim().replace(',', '.').replace(/^\./, '0.').replace(/\.$/, '')
}

/** What the mutations take of it; undefined while a field cannot be read. */
export function planInput(draft: PlanDraft) {
  const maxSnapshots = readCap(draft.maxSnapshots)
  const maxBackups = readCap(draft.maxBackups)
  const snapshotCreditValue = readCredits(draft.snapshotCredits)
  const backupCreditValue = readCredits(draft.backupCredits)
  const operationDeadlineSeconds = readDeadline(draft.deadline)
  if (maxSnapshots === undefined || maxBackups === undefined || snapshotCreditValue === undefined || backupCreditValue === undefined) return undefined
  if (operationDeadlineSeconds === undefined) return undefined
  return { maxSnapshots, maxBackups, snapshotCreditValue, backupCreditValue, operationDeadlineSeconds }
}

/** What a change of a plan does, in sentences: to whom, and from when on. */
export function planEffects(before: KnownPlan & { volumeCount: number }, draft: PlanDraft): string[] {
  const input = planInput(draft)
  if (!input) return []
  return [
    ...termEffects(before, input, counted(before.volumeCount, 'volume')),
    ...(before.operationDeadlineSeconds === input.operationDeadlineSeconds ? [] : ['Deadline: it holds for operations that are asked for from now on.']),
  ]
}

type Terms = Omit<KnownPlan, 'operationDeadlineSeconds'>

/** The same of other caps and prices, as those of another plan. */
export function termEffects(before: Terms, input: Terms, who: string): string[] {
  const changed = (name: string, from: string, to: string, when: string) => (from === to ? [] : [`${name}: ${from} becomes ${to} for ${who}, ${when}.`])
  const price = (value: string) => (isSame(value, '0') ? 'free' : value)
  return [
    ...changed('Max snapshots', String(before.maxSnapshots), String(input.maxSnapshots), 'at once'),
    ...changed('Max backups', String(before.maxBackups), String(input.maxBackups), 'at once'),
    ...(isSame(before.snapshotCreditValue, input.snapshotCreditValue) ? [] : changed('Snapshot credits', price(before.snapshotCreditValue), price(input.snapshotCreditValue), 'from the next hour on')),
    ...(isSame(before.backupCreditValue, input.backupCreditValue) ? [] : changed('Backup credits', price(before.backupCreditValue), price(input.backupCreditValue), 'from the next hour on')),
  ]
}

/** "2 volumes already hold more than 10. They keep them, but can’t add."; undefined if none does. */
export function aboveCap(volumes: number, cap: number): string | undefined {
  if (volumes === 0) return undefined
  return volumes === 1 ? `1 volume already holds more than ${cap}. It keeps them, but can’t add.` : `${volumes} volumes already hold more than ${cap}. They keep them, but can’t add.`
}
