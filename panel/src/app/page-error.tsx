/** The page that stands where another could not: it failed, or it is not there. */

import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { FileQuestion } from 'lucide-react'

import { PartMissing } from '~/lib/load-part'
import { Empty } from '~/parts/empty'
import { useTitle } from '~/parts/use-title'

import { ErrorState } from './error-state'
import { MissingPart } from './missing-part'

const VOLUMES = { to: '/volumes', label: 'All volumes' }

/** Where those are that there are. */
const LISTS: Record<string, { to: string; label: string }> = {
  operation: { to: '/queue', label: 'The queue' },
  plan: { to: '/plans', label: 'All plans' },
  hypervisor: { to: '/hypervisors', label: 'All hypervisors' },
  'hypervisor group': { to: '/hypervisor-groups', label: 'All hypervisor groups' },
  'backup storage': { to: '/backup-storages', label: 'All backup storages' },
  account: { to: '/accounts', label: 'All accounts' },
}

export function NotFoundPage({ what = 'page' }: { what?: string }) {
  useTitle('Not found')
  const list = LISTS[what] ?? VOLUMES
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <Empty
        icon={<FileQuestion size={20} />}
        title={`There is no such ${what}`}
        action={
          <Link to={list.to} className="font-medium text-accent-text underline underline-offset-2">
            {list.label}
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
