/** The steps of an operation, in a line. */

import { Check, Circle } from 'lucide-react'

import type { Step } from '~/lib/banner'

export function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol aria-label="Steps" className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {steps.map((step, i) => (
        <li key={step.name} aria-current={step.state === 'now' ? 'step' : undefined} className="flex items-center gap-2">
          {i > 0 && <span className="mr-1 h-px w-4 bg-line-strong/60" aria-hidden="true" />}
          <StepMark state={step.state} />
          <span className={step.state === 'now' ? 'font-medium text-ink' : ''}>{step.name}</span>
        </li>
      ))}
    </ol>
  )
}

function StepMark({ state }: { state: Step['state'] }) {
  if (state === 'done') return <Check size={16} className="text-ok" aria-label="done:" />
  if (state === 'now') return <span className="mx-1 size-2 rounded-full bg-bar" aria-hidden="true" />
  return <Circle size={8} strokeWidth={4} className="mx-1 text-line-strong" aria-hidden />
}
