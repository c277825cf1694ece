/** The page that stands where another could not: it failed, or it is not there. */

import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { FileQuestion, TriangleAlert } from 'lucide-react'

import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { useTitle } from '~/parts/use-title'

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

const RELOADED = 'reloaded-for-new-version'

/** A part of the panel that is no longer there means a new version: it is loaded, once. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const isMissingChunk = error instanceof Error && /dynamically imported module|module script/i.test(error.message)
  if (isMissingChunk && sessionStorage.getItem(RELOADED) !== location.href) {
    sessionStorage.setItem(RELOADED, location.href)
    location.reload()
    return null
  }
  return <ErrorState what="page" onRetry={reset} />
}

interface ErrorStateProps {
  /** What could not be loaded: "volume". */
  what: string
  /** Of the failure. */
  code?: string
  requestId?: string
  onRetry: () => void
}

export function ErrorState({ what, code, requestId, onRetry }: ErrorStateProps) {
  const cause = code === 'UNREACHABLE' ? 'The server does not answer.' : 'The server answered with an error.'
  return (
    <>
      <h1 className="sr-only">This {what} could not be loaded</h1>
      <Empty icon={<TriangleAlert size={20} />} title={`This ${what} could not be loaded`} action={<Button kind="primary" onClick={onRetry}>Try again</Button>}>
        {cause} Your volumes and their data are not affected.
        {requestId && <span className="mt-2 block font-mono text-small text-ink-3">{requestId}</span>}
      </Empty>
    </>
  )
}
