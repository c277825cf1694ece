/** The page that stands where another could not: it failed, or it is not there. */

import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { FileQuestion } from 'lucide-react'

import { PartMissing } from '~/lib/load-part'
import { Empty } from '~/parts/empty'
import { useTitle } from '~/parts/use-title'

import { ErrorState } from './error-state'
import { MissingPart } from './missing-part'

export function NotFoundPage({ what = 'page' }: { what?: string }) {
  useTitle('Not found')
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <Empty
        icon={<FileQuestion size={20} />}
        title={`There is no such ${what}`}
        action={
          <Link to="/volumes" className="font-medium text-accent-text underline underline-offset-2">
            All volumes
          </Link>
        }
      >
        It may have been deleted, or you don’t have access to it.
      </Empty>
    </>
  )
}

export function PageError({ error, reset }: ErrorComponentProps) {
  return error instanceof PartMissing ? <MissingPart /> : <ErrorState what="page" onRetry={reset} />
}
