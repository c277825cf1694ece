/** The caps, prices and deadline of a plan, each with its unit. */

import { TriangleAlert } from 'lucide-react'

import { isSame, priceProblem } from '~/lib/credits'
import { DEADLINE_ERROR, readDeadline } from '~/lib/deadline'
import { HIGHEST_CAP, type PlanDraft, readCap, readCredits } from '~/lib/plan-draft'
import { TextField } from '~/parts/text-field'

/** What the gateway calls each field. */
export const PLAN_PLACES = { deadline: 'operationDeadlineSeconds' } as const

interface PlanFieldsProps {
  draft: PlanDraft
  onChange: (changes: Partial<PlanDraft>) => void
  /** Of a cap that is lowered below what volumes hold. */
  warnings?: { snapshots?: string; backups?: string }
  /** What the gateway has refused of them. */
  errors?: Partial<Record<keyof typeof PLAN_PLACES, string>>
}

const CAP = { inputMode: 'numeric', className: 'max-w-24 nums', after: 'per volume' } as const
const PRICE = { inputMode: 'decimal', className: 'max-w-24 nums', after: 'per GiB a month' } as const

export function PlanFields({ draft, onChange, warnings, errors }: PlanFieldsProps) {
  return (
    <>
      <TextField
        label="Max snapshots"
        value={draft.maxSnapshots}
        onChange={(maxSnapshots) => onChange({ maxSnapshots })}
        {...CAP}
        help={warnings?.snapshots && <Warning>{warnings.snapshots}</Warning>}
        error={capError(draft.maxSnapshots)}
      />
      <TextField
        label="Max backups"
        value={draft.maxBackups}
        onChange={(maxBackups) => onChange({ maxBackups })}
        {...CAP}
        help={warnings?.backups && <Warning>{warnings.backups}</Warning>}
        error={capError(draft.maxBackups)}
      />
      <TextField
        label="Snapshot credits"
        value={draft.snapshotCredits}
        onChange={(snapshotCredits) => onChange({ snapshotCredits })}
        {...PRICE}
        help={free(draft.snapshotCredits)}
        error={priceProblem(draft.snapshotCredits)}
      />
      <TextField
        label="Backup credits"
        value={draft.backupCredits}
        onChange={(backupCredits) => onChange({ backupCredits })}
        {...PRICE}
        help={free(draft.backupCredits)}
        error={priceProblem(draft.backupCredits)}
      />
      <TextField
        label="Deadline"
        optional
        value={draft.deadline}
        onChange={(deadline) => onChange({ deadline })}
        className="max-w-36 nums"
        placeholder="2 h"
        after="per operation"
        help="What takes longer is stopped. Empty: as the platform has it."
        error={readDeadline(draft.deadline) === undefined ? DEADLINE_ERROR : errors?.deadline}
      />
    </>
  )
}

function Warning({ children }: { children: string }) {
  return (
    <span role="status" className="flex items-start gap-2 text-warn">
      <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
      {children}
    </span>
  )
}

function capError(text: string): string | undefined {
  if (readCap(text) === undefined) return `A whole number, at most ${HIGHEST_CAP}. 0 allows none.`
  return undefined
}

function free(text: string): string | undefined {
  const price = readCredits(text)
  return price !== undefined && isSame(price, '0') ? 'Free within the limit.' : undefined
}
