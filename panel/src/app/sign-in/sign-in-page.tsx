/** The page for whoever is not signed in. The location stays, so that they get where they wanted. */

import { useTitle } from '~/parts/use-title'

import { Logo } from '../layout/logo'

import { SignInForm } from './sign-in-form'

export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  useTitle('Sign in')
  return (
    <main className="mx-auto flex min-h-dvh max-w-[25rem] flex-col justify-center px-4 pb-[12vh]">
      <div className="mb-6 flex justify-center">
        <Logo />
      </div>
      <div className="rounded-card border border-line bg-surface p-6 shadow-card">
        <h1 className="mb-5 text-title font-semibold">Sign in</h1>
        <SignInForm onSignedIn={onSignedIn} />
      </div>
    </main>
  )
}
