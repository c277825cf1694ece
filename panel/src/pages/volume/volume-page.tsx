/** The page of a volume. */

import { useNavigate, useParams, useSearch } from '@tanstack/react-router'

import { failureOf } from '~/api/failure'
import { useKeptQuery } from '~/api/use-kept-query'
import { usePoll } from '~/api/use-poll'
import { useBreadcrumb } from '~/app/layout/breadcrumb'
import { ErrorState } from '~/app/error-state'
import { NotFoundPage } from '~/app/page-error'
import { useIsAdmin } from '~/app/session'
import { Notice } from '~/parts/notice'
import { Tabs } from '~/parts/tabs'

import { ActivityTab } from './activity/activity-tab'
import { ItemsTab } from './items/items-tab'
import { SettingsTab } from './settings-tab'
import { useVolumeActivity } from './use-volume-activity'
import { VolumeHeader } from './volume-header'
import { type VolumeDetail, VolumeQuery } from './volume-query'
import { VolumeSkeleton } from './volume-skeleton'

/** How often it is asked what a queued operation waits for. */
const QUEUED_EVERY = 5_000

export default function VolumePage() {
  const { volumeId } = useParams({ from: '/volumes/$volumeId' })
  const response = useKeptQuery({ query: VolumeQuery, variables: { id: volumeId, isAdmin: useIsAdmin() } })
  const [{ data, error, fetching }, ask] = response
  const volume = data?.volume
  // Its place in the queue is told by no event.
  usePoll(response, QUEUED_EVERY, volume?.activeOperation?.status === 'PENDING')
  useBreadcrumb(volume?.name ?? (data ? 'Not found' : 'Loading…'))
  if (volume) return <Loaded key={volume.id} volume={volume} />
  if (error && !fetching) {
    const failure = failureOf(error)
    if (failure.code === 'NOT_FOUND' || failure.code === 'INVALID_INPUT') return <NotFoundPage what="volume" />
    return <ErrorState what="volume" {...failure} onRetry={() => ask({ requestPolicy: 'network-only' })} />
  }
  return data && !fetching ? <NotFoundPage what="volume" /> : <VolumeSkeleton />
}

function Loaded({ volume }: { volume: VolumeDetail }) {
  const navigate = useNavigate({ from: '/volumes/$volumeId' })
  const { tab = 'snapshots' } = useSearch({ from: '/volumes/$volumeId' })
  const meter = useVolumeActivity(volume.id)
  const choose = (next: 'snapshots' | 'backups' | 'activity' | 'settings') =>
    // Back leaves the tab, not the volume.
    void navigate({ search: next === 'snapshots' ? {} : { tab: next }, resetScroll: false })
  const isItems = tab === 'snapshots' || tab === 'backups'

  return (
    <>
      <VolumeHeader volume={volume} />
      {volume.dataState === 'INCONSISTENT' && (
        <div className="pb-6">
          <Notice tone="bad" title="The content of this volume is not whole.">
            A roll back failed half way. Roll back again before you attach it, or restore to a new volume.
          </Notice>
        </div>
      )}
      <Tabs
        name={volume.name}
        value={isItems ? 'items' : tab}
        onChange={(next) => choose(next === 'items' ? 'snapshots' : next)}
        tabs={[
          {
            value: 'items',
            label: 'Snapshots & Backups',
            content: <ItemsTab volume={volume} meter={meter} kind={tab === 'backups' ? 'backups' : 'snapshots'} onKind={choose} />,
          },
          { value: 'activity', label: 'Activity', content: <ActivityTab volumeId={volume.id} /> },
          { value: 'settings', label: 'Settings', content: <SettingsTab volume={volume} /> },
        ]}
      />
    </>
  )
}
