/** Stands where a part of the panel did not come: it waits for the server, or loads the version that the server has now. */

import { useEffect, useState } from 'react'

import { PageSkeleton } from '~/parts/page-skeleton'

import { ErrorState } from './error-state'

const RELOADED = 'reloaded-for-new-version'
/** How long the server may take to say that it is there. */
const PATIENCE = 10_000

type State = 'looking' | 'unreachable' | 'missing' | 'trying'

export function MissingPart() {
  const [state, setState] = useState<State>('looking')
  useEffect(() => {
    // By itself once: what is missing after that stays missing.
    const mayReload = sessionStorage.getItem(RELOADED) !== location.href
    void reload(mayReload).then(setState)
  }, [])
  const tryAgain = async () => {
    setState('trying')
    setState(await reload(true))
  }

  if (state === 'looking') return <PageSkeleton what="page" />
  return <ErrorState what="page" code={state === 'missing' ? undefined : 'UNREACHABLE'} pending={state === 'trying'} onRetry={() => void tryAgain()} />
}

/** Loads all of the panel if the server is there: a browser may remember that a part could not be loaded. */
async function reload(mayReload: boolean): Promise<State> {
  if (!(await serverAnswers())) return 'unreachable'
  if (!mayReload) return 'missing'
  sessionStorage.setItem(RELOADED, location.href)
  location.reload()
  return 'trying'
}

async function serverAnswers(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) })).ok
  } catch {
    return false
  }
}
