/** Changes a plan. Lowering a cap deletes nothing, and says who is above it. */

import { Check } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { counted } from '~/lib/pages'
import { aboveCap, type PlanDraft, planDraftOf, planEffects, planInput, readCap } from '~/lib/plan-draft'
import { placeErrors } from '~/lib/place-errors'
import { textReason } from '~/lib/text-bound'
import { PLAN_PLACES, PlanFields } from '~/pages/plans/plan-fields'
import type { PlanRow } from '~/pages/plans/plans-query'
import { Button } from '~/parts/button'
import { CheckField } from '~/parts/check-field'
import { Effects } from '~/parts/effects'
import { FailureNotice } from '~/parts/failure-notice'
import { Section } from '~/parts/section'
import { TextField } from '~/parts/text-field'
import { Unsaved } from '~/parts/unsaved'

import { PriceEffects } from './price-effects'

const UpdatePlan = graphql(`
  mutation UpdateVolumePlan($input: UpdateVolumePlanInput!) {
    updateVolumePlan(input: $input) {
      plan { id name enabled maxSnapshots maxBackups snapshotCreditValue backupCreditValue operationDeadlineSeconds }
    }
  }
`)

const VolumesAbove = graphql(`
  query VolumesAbove($id: ID!, $maxSnapshots: Int!, $maxBackups: Int!) {
    node(id: $id) {
      __typename
      id
      ... on VolumePlan {
        snapshots: volumesAbove(maxSnapshots: $maxSnapshots)
        backups: volumesAbove(maxBackups: $maxBackups)
      }
    }
  }
`)

type Draft = PlanDraft & { name: string; enabled: boolean }

export function PlanForm({ plan }: { plan: PlanRow }) {
  const { submit, pending, failure } = useSubmit(UpdatePlan)
  const [saved, setSaved] = useState(false)
  const [changes, setChanges] = useState<Partial<Draft>>({})
  const before: Draft = { ...planDraftOf(plan), name: plan.name, enabled: plan.enabled }
  const draft = { ...before, ...changes }
  const warnings = useWarnings(plan, draft)
  const input = planInput(draft)
  const { at, rest } = placeErrors(failure, PLAN_PLACES)
  const effects = planEffects(plan, draft)
  const same = JSON.stringify(draft) === JSON.stringify(before)
  const reason = textReason(draft.name, bounds.UpdateVolumePlanInput.name, 'Name the plan first.') ?? (!input ? 'Caps and credits are numbers, the deadline hours and minutes.' : same ? 'Nothing has changed.' : null)
  const change = (more: Partial<Draft>) => {
    setSaved(false)
    setChanges({ ...changes, ...more })
  }

  const save = async (event: FormEvent) => {
    event.preventDefault()
    if (reason || !input) return
    const done = await submit(() => ({ input: { planId: plan.id, name: draft.name.trim(), enabled: draft.enabled, ...input } }))
    if (!done) return
    setChanges({})
    setSaved(true)
  }

  return (
    <form noValidate onSubmit={(event) => void save(event)} className="max-w-[40rem]">
      <Section
        title="Caps, prices and deadline"
        about="Volumes that have the plan get what is changed here, too."
        foot={
          <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
            <span className="nums">{counted(plan.volumeCount, 'volume')} {plan.volumeCount === 1 ? 'uses' : 'use'} this plan</span>
            <span className="flex items-center gap-4">
              <span role="status" className="flex items-center gap-1.5 text-ok">
                {saved && (
                  <>
                    <Check size={16} aria-hidden />
                    Saved
                  </>
                )}
              </span>
              <Button kind="primary" type="submit" pending={pending} reason={reason}>
                Save plan
              </Button>
            </span>
          </div>
        }
      >
        <FailureNotice failure={rest} isAdmin />
        <TextField label="Name" value={draft.name} onChange={(name) => change({ name })} bound={bounds.UpdateVolumePlanInput.name} required />
        <div className="grid gap-5 sm:grid-cols-2">
          <PlanFields draft={draft} onChange={change} warnings={warnings} errors={at} />
        </div>
        <Effects effects={effects} />
        <PriceEffects plan={plan} draft={draft} />
        <CheckField label="Offer it" help="New volumes may have it. Those that have it keep it." checked={draft.enabled} onChange={(enabled) => change({ enabled })} />
      </Section>
      <Unsaved changed={!same} what="What was changed of this plan is not saved yet, and is lost when you leave." />
    </form>
  )
}

/** What to say of caps that are lower than they were. */
function useWarnings(plan: PlanRow, draft: PlanDraft) {
  const maxSnapshots = readCap(draft.maxSnapshots) ?? plan.maxSnapshots
  const maxBackups = readCap(draft.maxBackups) ?? plan.maxBackups
  const lowered = { snapshots: maxSnapshots < plan.maxSnapshots, backups: maxBackups < plan.maxBackups }
  const [{ data }] = useKeptQuery({ query: VolumesAbove, variables: { id: plan.id, maxSnapshots, maxBackups }, pause: !lowered.snapshots && !lowered.backups })
  const above = data?.node?.__typename === 'VolumePlan' ? data.node : undefined
  if (!above) return {}
  return {
    snapshots: lowered.snapshots ? aboveCap(above.snapshots, maxSnapshots) : undefined,
    backups: lowered.backups ? aboveCap(above.backups, maxBackups) : undefined,
  }
}
