/** Whether what is on the screen is live; where it is not, the next try need not be waited for. */

import { useApi, useLinkState } from '~/api/context'

export function LinkIndicator() {
  const { link } = useApi()
  const state = useLinkState()
  const lost = state === 'lost'
  return (
    <span className="flex items-center gap-3 text-small whitespace-nowrap">
      <span role="status" className={`flex items-center gap-2 ${lost ? 'text-warn' : 'text-ink-3'}`}>
        {state !== 'connecting' && (
          <>
            <span className={`size-1.5 rounded-full ${lost ? 'bg-warn' : 'bg-ok'}`} aria-hidden="true" />
            {lost ? 'Reconnecting…' : 'Live'}
          </>
        )}
      </span>
      {lost && (
        <button type="button" onClick={link.tryNow} className="h-8 rounded-field text-accent-text underline underline-offset-2 hover:text-ink">
          Try now
        </button>
      )}
    </span>
  )
}
