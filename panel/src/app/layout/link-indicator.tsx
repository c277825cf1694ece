/** Whether what is on the screen is live. */

import { useLinkState } from '~/api/context'

export function LinkIndicator() {
  const state = useLinkState()
  const lost = state === 'lost'
  return (
    <span role="status" className={`flex items-center gap-2 text-small whitespace-nowrap ${lost ? 'text-warn' : 'text-ink-3'}`}>
      {state !== 'connecting' && (
        <>
          <span className={`size-1.5 rounded-full ${lost ? 'bg-warn' : 'bg-ok'}`} aria-hidden="true" />
          {lost ? 'Reconnecting…' : 'Live'}
        </>
      )}
    </span>
  )
}
