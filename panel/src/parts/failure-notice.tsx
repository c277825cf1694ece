/** What the request of a form was refused with: the API's own words first, then what helps. */

import type { ReactNode } from 'react'

import type { Failure } from '~/api/failure'
import { helpFor, isWorthRetrying } from '~/lib/guards'

import { Button } from './button'
import { Notice } from './notice'

interface FailureNoticeProps {
  failure: Failure | undefined
  isAdmin?: boolean
  /** The ways out. */
  actions?: ReactNode
}

export function FailureNotice({ failure, isAdmin, actions }: FailureNoticeProps) {
  if (!failure) return null
  const tone = failure.code === 'INTERNAL' ? 'bad' : 'warn'
  const again = isWorthRetrying(failure.code) && (
    <Button size="small" type="submit">
      Try again
    </Button>
  )
  return (
    <Notice live tone={tone} title={failure.message} actions={actions ?? (again || undefined)}>
      {helpFor(failure.code, { isAdmin, repeatable: failure.repeatable })}
    </Notice>
  )
}
