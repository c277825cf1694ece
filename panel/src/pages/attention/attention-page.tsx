/** What needs an administrator: how many of each, each with the way to those. */

import { Check } from 'lucide-react'

import { graphql, type ResultOf } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { Loaded } from '~/app/loaded'
import { Card } from '~/parts/card'
import { PageTitle } from '~/parts/page-title'
import { TableSkeleton } from '~/parts/skeleton'
import { TextLink } from '~/parts/text-link'

const AttentionQuery = graphql(`
  query Attention {
    serverTime
    attention {
      failedOperations
      stuckOperations
      offlineHypervisors
      outdatedHypervisors
      backupStoragesUntested
      backupStoragesFailing
      volumesWithoutBackup
      at
    }
  }
`)

type Figures = ResultOf<typeof AttentionQuery>['attention']

interface Line {
  figure: Exclude<keyof Figures, 'at'>
  title: string
  /** What it means, and what to do. */
  about: string
  to: string
  search?: Record<string, string>
  bad?: boolean
}

const LINES: readonly Line[] = [
  { figure: 'failedOperations', title: 'Operations that failed in 24 hours', about: 'Each says why, and what became of its volume.', to: '/queue', search: { status: 'FAILED', ended: 'day' }, bad: true },
  { figure: 'stuckOperations', title: 'Operations that stand still', about: 'No agent has taken them, or told of any progress, for ten minutes.', to: '/queue', search: { status: 'STUCK' }, bad: true },
  { figure: 'offlineHypervisors', title: 'Hypervisors that are offline', about: 'What is asked of them waits.', to: '/hypervisors', search: { show: 'offline' }, bad: true },
  { figure: 'outdatedHypervisors', title: 'Hypervisors with an agent of another version', about: 'They may lack what customers ask for.', to: '/hypervisors', search: { show: 'outdated' } },
  { figure: 'backupStoragesFailing', title: 'Backup storages that fail', about: 'Their last test failed: backups may, too.', to: '/backup-storages', search: { show: 'failing' }, bad: true },
  { figure: 'backupStoragesUntested', title: 'Backup storages that were never tested', about: 'Nobody knows whether backups arrive there.', to: '/backup-storages', search: { show: 'untested' } },
  { figure: 'volumesWithoutBackup', title: 'Volumes without a backup', about: 'They are lost with their storage.', to: '/volumes', search: { backup: 'none' } },
]

const EVERY = 15_000

export default function AttentionPage() {
  const response = useKeptQuery({ query: AttentionQuery })
  usePoll(response, EVERY, true)
  const [result, ask] = response
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Attention" below="What needs an administrator now." />
      <Loaded result={result} ask={ask} pick={(data) => data.attention} what="page" skeleton={<TableSkeleton rows={7} />}>
        {(figures) => (
          <Card>
            <ul className="divide-y divide-line">
              {LINES.map((line) => (
                <Figure key={line.figure} line={line} count={figures[line.figure]} />
              ))}
            </ul>
          </Card>
        )}
      </Loaded>
    </div>
  )
}

function Figure({ line: { title, about, to, search, bad }, count }: { line: Line; count: number }) {
  const colour = count === 0 ? 'text-ink-3' : bad ? 'text-bad' : 'text-warn'
  return (
    <li className="flex items-center gap-5 px-5 py-4">
      <span className={`w-14 shrink-0 text-right text-title font-semibold nums ${colour}`}>{count}</span>
      <div className="min-w-0 flex-1">
        <p className="text-body font-medium">
          {count === 0 ? title : <TextLink to={to} search={search as never}>{title}</TextLink>}
        </p>
        <p className="text-small text-ink-2">{about}</p>
      </div>
      {count === 0 && (
        <span className="flex items-center gap-1.5 text-small text-ink-3">
          <Check size={16} className="text-ok" aria-hidden />
          None
        </span>
      )}
    </li>
  )
}
