/** Starts an instance; what refuses it is told by a toast. */

import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { isolate } from '~/lib/isolate'
import { toasts } from '~/lib/toasts'

const StartInstance = graphql(`
  mutation StartInstance($input: StartInstanceInput!) {
    startInstance(input: $input) {
      instance { id status }
    }
  }
`)

export function useStartInstance(instance: { id: string; name: string }) {
  const { submit, pending } = useSubmit(StartInstance, {
    onFailure: ({ code, message }) => {
      const title = code === 'UNKNOWN_OUTCOME' ? `${isolate(instance.name)} may have been started` : `${isolate(instance.name)} was not started`
      toasts.add({ tone: 'bad', title, detail: message })
    },
  })
  return { pending, start: () => void submit(() => ({ input: { instanceId: instance.id } })) }
}
