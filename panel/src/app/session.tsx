/** Who is signed in. What they see is below; without anybody, the sign-in takes the page's place. */

import { createContext, type ReactNode, use, useCallback, useMemo, useState } from 'react'

import { failureOf } from '~/api/failure'
import { graphql, type ResultOf } from '~/api/graphql'
import { createApi } from '~/api/client'
import { ApiProvider } from '~/api/context'
import { useKeptQuery } from '~/api/use-kept-query'

import { SignInDialog } from './sign-in/sign-in-dialog'
import { SignInPage } from './sign-in/sign-in-page'
import { Unreachable } from './unreachable'

const ViewerQuery = graphql(`
  query Viewer {
    serverTime
    viewer {
      role
      user { id email }
      account { id name }
    }
  }
`)

export type Viewer = ResultOf<typeof ViewerQuery>['viewer']

interface Session {
  viewer: Viewer
  /** Forgets who was signed in and all that was read in their name. */
  end: () => void
}

const Context = createContext<Session | null>(null)

export function useSession(): Session {
  const session = use(Context)
  if (!session) throw new Error('useSession is for components below SessionProvider')
  return session
}

/** Who is signed in. */
export function useViewer(): Viewer {
  return useSession().viewer
}

/** Whether an administrator is signed in. */
export function useIsAdmin(): boolean {
  return useViewer().role === 'ADMIN'
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [expired, setExpired] = useState(false)
  // Each session has a client of its own, so that nothing of one is left in the next.
  const [number, setNumber] = useState(1)
  const [api, setApi] = useState(() => createApi(() => setExpired(true)))
  const renew = useCallback(() => {
    api.link.close()
    setExpired(false)
    setApi(createApi(() => setExpired(true)))
    setNumber((last) => last + 1)
  }, [api])
  return (
    <ApiProvider key={number} api={api}>
      <SignedIn expired={expired} renew={renew}>
        {children}
      </SignedIn>
    </ApiProvider>
  )
}

function SignedIn({ expired, renew, children }: { expired: boolean; renew: () => void; children: ReactNode }) {
  const [{ data, error, fetching }, ask] = useKeptQuery({ query: ViewerQuery })
  const viewer = data?.viewer
  const session = useMemo(() => viewer && { viewer, end: renew }, [viewer, renew])
  if (session) {
    return (
      <Context value={session}>
        {children}
        {expired && <SignInDialog email={session.viewer.user.email} onSignedIn={renew} />}
      </Context>
    )
  }
  if (expired) return <SignInPage onSignedIn={renew} />
  if (error && !fetching) return <Unreachable failure={failureOf(error)} onRetry={() => ask({ requestPolicy: 'network-only' })} />
  return null
}
