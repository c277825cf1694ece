/** The shape that every banner of an operation has, so that nothing below it moves when one follows the other. */

import type { ReactNode } from 'react'

import { Card } from '~/parts/card'

interface BannerFrameProps {
  mark?: ReactNode
  title: string
  /** What it is about, by name. */
  subject: string
  line: ReactNode
  right: ReactNode
  bar: ReactNode
  figures?: ReactNode
  foot: ReactNode
  bad?: boolean
}

export function BannerFrame({ mark, title, subject, line, right, bar, figures, foot, bad }: BannerFrameProps) {
  return (
    <Card className={bad ? 'border-bad/50!' : ''} foot={<div className="flex min-h-6 flex-wrap items-center justify-between gap-x-6 gap-y-2">{foot}</div>}>
      <div className="px-5 pt-4 pb-4">
        <div className="flex min-h-[42px] items-start justify-between gap-4">
          <div className="flex min-w-0 gap-3">
            {mark}
            <div className="min-w-0">
              <p className="text-body text-ink-2 anywhere">
                <span className="font-semibold text-ink">{title}</span>
                {' · '}
                <bdi>{subject}</bdi>
              </p>
              <p className="mt-0.5 text-small text-ink-2 anywhere nums">{line}</p>
            </div>
          </div>
          {right}
        </div>
        <div className="mt-4">{bar}</div>
        <div className="mt-3 flex min-h-6 flex-wrap items-center gap-x-5 gap-y-2 text-small text-ink-2 nums">{figures}</div>
      </div>
    </Card>
  )
}
