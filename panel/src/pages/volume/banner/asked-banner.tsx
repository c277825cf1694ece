/** What was asked of the volume, until the gateway has answered: it keeps the place of what comes. */

import type { Asked } from '~/api/operations'
import { operationWords } from '~/lib/operation-words'
import { ProgressBar } from '~/parts/progress-bar'
import { Spinner } from '~/parts/spinner'

import { BannerFrame } from './banner-frame'
import { Steps } from './steps'

export function AskedBanner({ asked }: { asked: Asked }) {
  const { running } = operationWords(asked.kind)
  return (
    <BannerFrame
      title={running}
      subject={asked.subjectName}
      line="It is being asked for."
      right={<Spinner className="mt-1 size-5 text-bar" />}
      bar={<ProgressBar name={running} value={undefined} text="It is being asked for" />}
      foot={<Steps steps={[{ name: 'Queued', state: 'next' }]} />}
    />
  )
}
