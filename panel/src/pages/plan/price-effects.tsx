/** What the prices that are typed would have meant for what all accounts used on the plan in the last 30 days. */

import { useServerTime } from '~/api/context'
import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { isSame } from '~/lib/credits'
import { type PlanDraft, planInput } from '~/lib/plan-draft'
import { type PlanSum, priceEffects } from '~/lib/price-effects'
import type { PlanRow } from '~/pages/plans/plans-query'
import { Notice } from '~/parts/notice'

const PlanSumsQuery = graphql(`
  query PlanSums($from: DateTime!, $to: DateTime!) {
    usageReport(from: $from, to: $to) {
      from
      to
      plans: groups(by: PLAN, first: 100) { nodes { planId kind byteHours credits } }
    }
  }
`)

const HOUR = 3_600_000
const DAYS = 30

export function PriceEffects({ plan, draft }: { plan: PlanRow; draft: PlanDraft }) {
  const hour = Math.floor(useServerTime('halfMinute') / HOUR)
  const input = planInput(draft)
  const changed = input !== undefined && !(isSame(plan.snapshotCreditValue, input.snapshotCreditValue) && isSame(plan.backupCreditValue, input.backupCreditValue))
  const at = (ago: number) => new Date((hour - ago) * HOUR).toISOString()
  const [{ data }] = useKeptQuery({ query: PlanSumsQuery, variables: { from: at(24 * DAYS), to: at(0) }, pause: !changed })
  if (!changed || !data) return null
  const sums = data.usageReport.plans.nodes.flatMap(({ planId, kind, byteHours, credits }): PlanSum[] => (planId === plan.id && kind !== null ? [{ kind, byteHours, credits }] : []))
  return (
    <Notice live="status" tone="info" title={`At these prices the last ${DAYS} days would have cost, of all accounts together`}>
      <ul>
        {priceEffects(sums, plan, input).map((effect) => (
          <li key={effect} className="nums">
            {effect}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
