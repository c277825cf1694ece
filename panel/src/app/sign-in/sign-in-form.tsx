/** Email and password. The session is a cookie that scripts cannot read, so nothing is kept here. */

import { type FormEvent, useRef, useState } from 'react'
import { useMutation } from 'urql'

import { mutationFailureOf } from '~/api/failure'
import { graphql } from '~/api/graphql'
import { Button } from '~/parts/button'
import { Notice } from '~/parts/notice'
import { TextField } from '~/parts/text-field'

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      viewer { user { id } }
    }
  }
`)

interface SignInFormProps {
  email?: string
  onSignedIn: () => void
}

export function SignInForm({ email: known = '', onSignedIn }: SignInFormProps) {
  const [email, setEmail] = useState(known)
  const [password, setPassword] = useState('')
  const [message, setMessage] = useState<string>()
  const [{ fetching }, signIn] = useMutation(SignIn)
  const form = useRef<HTMLFormElement>(null)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (fetching) return
    setMessage(undefined)
    const offline = !navigator.onLine
    const { data, error } = await signIn({ input: { email: email.trim(), password } })
    if (data?.signIn) return onSignedIn()
    if (error) setMessage(mutationFailureOf(error, { offline }).message)
    form.current?.querySelector<HTMLInputElement>('[name=password]')?.select()
  }

  return (
    <form ref={form} onSubmit={(event) => void submit(event)} className="flex flex-col gap-5">
      {message && <Notice live tone="bad" title={message} />}
      <TextField label="Email" name="email" type="email" autoComplete="username" value={email} onChange={setEmail} autoFocus={known === ''} required />
      <TextField label="Password" name="password" type="password" autoComplete="current-password" value={password} onChange={setPassword} autoFocus={known !== ''} required />
      <Button kind="primary" type="submit" pending={fetching}>
        Sign in
      </Button>
    </form>
  )
}
