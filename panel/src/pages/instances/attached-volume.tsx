/** A volume on an instance, with the way to detach it. */

import { Unplug } from 'lucide-react'

import { Button } from '~/parts/button'
import { TextLink } from '~/parts/text-link'

interface AttachedVolumeProps {
  volume: { id: string; name: string }
  onDetach: () => void
}

export function AttachedVolume({ volume, onDetach }: AttachedVolumeProps) {
  return (
    <li className="flex min-w-0 items-center rounded-field border border-line pl-3">
      <TextLink to="/volumes/$volumeId" params={{ volumeId: volume.id }} className="max-w-48 truncate" title={volume.name}>
        <bdi>{volume.name}</bdi>
      </TextLink>
      <Button kind="quiet" size="icon" icon={<Unplug size={14} aria-hidden />} onClick={onDetach} aria-label={`Detach ${volume.name}`} />
    </li>
  )
}
