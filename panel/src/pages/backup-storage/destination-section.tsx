/** Where a backup storage is, without its secrets, and how its last test ended. */

import type { BackupStorageDetail } from '~/pages/backup-storages/backup-storages-query'
import { LastTest } from '~/pages/backup-storages/test-outcome'
import { type Detail, DetailList } from '~/parts/detail-list'
import { Section } from '~/parts/section'

export function DestinationSection({ storage }: { storage: BackupStorageDetail }) {
  return (
    <Section
      title="Destination"
      about="Secrets can be replaced but never read."
      foot={<LastTest test={storage.lastTest} />}
    >
      <DetailList details={detailsOf(storage)} />
    </Section>
  )
}

function detailsOf({ s3, nfs, local }: BackupStorageDetail): Detail[] {
  const details: Detail[] = []
  if (s3) {
    details.push(
      { label: 'Endpoint', value: s3.endpoint ?? `AWS ${s3.region}`, mono: true },
      { label: 'Region', value: s3.region, mono: true },
      { label: 'Bucket', value: s3.bucket, mono: true },
      { label: 'Access key ID', value: s3.accessKeyId, mono: true },
      { label: 'Secret access key', value: '••••', mono: true },
      { label: 'Bucket’s name', value: s3.forcePathStyle === null ? 'As the endpoint is likely to want' : s3.forcePathStyle ? 'In the path' : 'In the host’s name' },
    )
  }
  if (nfs) {
    details.push({ label: 'Server', value: nfs.server, mono: true }, { label: 'Export', value: nfs.export, mono: true })
    if (nfs.directory) details.push({ label: 'Directory in it', value: nfs.directory, mono: true })
  }
  if (local) details.push({ label: 'Directory', value: local.path, mono: true })
  details.push({ label: 'Volume prefix', value: `${s3?.prefix ? `${s3.prefix}/` : ''}volumes/{volume_id}/`, mono: true })
  return details
}
