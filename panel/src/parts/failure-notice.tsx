/** What a request was refused with: the API's own words first, then what helps. */

import type { ReactNode } from 'react'

import type { Failure } from '~/api/failure'
import { helpFor } from '~/lib/guards'

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
  return (
    <Notice live tone={tone} title={failure.message} actions={actions}>
      {helpFor(failure.code, isAdmin)}
    </Notice>
  )
}
