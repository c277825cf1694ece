/** Whether a backup storage is the one that is meant: once, or on each hypervisor that has looked. */

import { useState } from 'react'

import { AcceptPlaceDialog } from '~/pages/place/accept-place-dialog'
import type { PlaceFacts } from '~/pages/place/place-query'
import { PlaceState } from '~/pages/place/place-state'
import { Button } from '~/parts/button'
import { Section } from '~/parts/section'
import { Ago } from '~/parts/time'

interface PlacesSectionProps {
  storage: { id: string; name: string; kind: string }
  marks: readonly PlaceFacts[]
}

export function PlacesSection({ storage, marks }: PlacesSectionProps) {
  const [accepting, setAccepting] = useState<PlaceFacts>()
  const about = marks.length === 0 ? 'No hypervisor has looked at it yet.' : 'It carries a marker, so that one that is missing or was swapped is noticed.'
  return (
    <Section title="Identity" about={about}>
      {marks.length > 0 && (
        <ul className="flex flex-col gap-3">
          {marks.map((mark) => (
            <li key={mark.hypervisor?.id ?? ''} className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
              <div className="flex min-w-0 flex-col gap-1 text-small">
                <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
                  {mark.hypervisor && <bdi className="font-mono anywhere">{mark.hypervisor.name}</bdi>}
                  <PlaceState state={mark.state} />
                  {mark.problemAt && (
                    <span className="text-ink-3">
                      Found <Ago at={mark.problemAt} />
                    </span>
                  )}
                </span>
                {mark.problem && <p className="text-bad anywhere">{mark.problem}</p>}
              </div>
              <Button size="small" onClick={() => setAccepting(mark)}>
                Accept this place…
              </Button>
            </li>
          ))}
        </ul>
      )}
      {accepting && (
        <AcceptPlaceDialog
          noun="backup storage"
          name={storage.name}
          medium={storage.kind}
          place={{ backupStorageId: storage.id, hypervisorId: accepting.hypervisor?.id }}
          where={accepting.hypervisor?.name}
          onClosed={() => setAccepting(undefined)}
        />
      )}
    </Section>
  )
}
