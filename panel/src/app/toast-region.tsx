/** Where toasts appear: results that have no place on the screen. */

import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { useSyncExternalStore } from 'react'

import { type Toast, toasts } from '~/lib/toasts'
import { Button } from '~/parts/button'
import { useHandOnFocus } from '~/parts/page-heading'
import { Sentence } from '~/parts/sentence'

export function ToastRegion() {
  const all = useSyncExternalStore(toasts.subscribe, () => toasts.all)
  return (
    <section aria-label="Notifications" aria-live="polite" className="fixed bottom-4 left-4 z-20 w-[min(24rem,calc(100vw-2rem))]">
      <div
        role="presentation"
        className="flex flex-col gap-2"
        onPointerEnter={toasts.hold}
        onPointerLeave={toasts.release}
        onFocus={toasts.hold}
        onBlur={toasts.release}
      >
        {all.map((toast) => (
          <ToastCard key={toast.id} {...toast} />
        ))}
      </div>
    </section>
  )
}

function ToastCard({ id, tone, title, detail }: Toast) {
  const card = useHandOnFocus<HTMLDivElement>()
  return (
    <div ref={card} className="flex items-start gap-3 rounded-card border border-line bg-surface py-2 pr-2 pl-4 shadow-popup">
      <span className={tone === 'ok' ? 'py-2 text-ok' : 'py-2 text-bad'} aria-hidden="true">
        {tone === 'ok' ? <CircleCheck size={16} /> : <CircleAlert size={16} />}
      </span>
      <div className="min-w-0 flex-1 py-1.5 text-small anywhere">
        <p className="font-medium"><Sentence>{title}</Sentence></p>
        {detail && <p className="text-ink-2"><Sentence>{detail}</Sentence></p>}
      </div>
      <Button kind="quiet" size="icon" aria-label="Close" icon={<X size={16} aria-hidden />} onClick={() => toasts.close(id)} />
    </div>
  )
}
