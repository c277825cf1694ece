/** How a test of a backup storage ended: the time it took, or the exact error. */

import { CircleAlert, CircleCheck } from 'lucide-react'

import { Ago } from '~/parts/time'

interface TestOutcomeProps {
  test: { ok: boolean; message: string; tookMilliseconds: number }
}

export function TestOutcome({ test }: TestOutcomeProps) {
  const Icon = test.ok ? CircleCheck : CircleAlert
  return (
    <p className={`flex min-w-0 items-start gap-2 text-small anywhere nums ${test.ok ? 'text-ok' : 'text-bad'}`}>
      <Icon size={16} className="mt-0.5 shrink-0" aria-hidden />
      {test.ok ? `Wrote, read and deleted a test object in ${test.tookMilliseconds} ms` : test.message}
    </p>
  )
}

interface LastTestProps {
  test: (TestOutcomeProps['test'] & { at: string; hypervisor: { id: string; name: string } | null }) | null
  /** The hypervisor whose page it is: what was tested elsewhere says nothing of it. */
  hypervisorId?: string
}

/** The last test of a backup storage, where it was made and when. */
export function LastTest({ test, hypervisorId }: LastTestProps) {
  if (!test) return 'It has never been tested.'
  const from = test.hypervisor?.name ?? 'the gateway'
  if (hypervisorId && test.hypervisor?.id !== hypervisorId) {
    return (
      <>
        {`The last test was not made from here, but from ${from}, `}
        <Ago at={test.at} />. It tells nothing of this hypervisor.
      </>
    )
  }
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-1">
      <TestOutcome test={test} />
      <span className="text-ink-3">
        Tested from {from} <Ago at={test.at} />
      </span>
    </div>
  )
}
