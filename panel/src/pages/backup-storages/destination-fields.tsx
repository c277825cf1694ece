/** Where a backup storage is, and how it is reached: the fields of its kind. */

import type { KnownStorage, StorageDraft } from '~/lib/backup-storage'
import { Notice } from '~/parts/notice'
import { TextField } from '~/parts/text-field'

import { BucketFields } from './bucket-fields'

/** What the gateway calls each field. */
export const PLACES = {
  endpoint: 's3.endpoint',
  region: 's3.region',
  bucket: 's3.bucket',
  prefix: 's3.prefix',
  accessKeyId: 's3.accessKeyId',
  secretAccessKey: 's3.secretAccessKey',
  server: 'nfs.server',
  export: 'nfs.export',
  directory: 'nfs.directory',
  path: 'local.path',
} as const

export interface DestinationFieldsProps {
  draft: StorageDraft
  onChange: (changes: Partial<StorageDraft>) => void
  /** What the gateway has refused of them. */
  errors: Partial<Record<keyof typeof PLACES, string>>
  /** What is kept already, when it is changed. */
  kept?: KnownStorage
}

export function DestinationFields(props: DestinationFieldsProps) {
  const { draft, onChange, errors } = props
  switch (draft.kind) {
    case 'S3':
      return <BucketFields {...props} />
    case 'NFS':
      return (
        <>
          <TextField label="Server" value={draft.server} error={errors.server} onChange={(server) => onChange({ server })} className="font-mono" placeholder="nas.example.com" help="With “:” and its port where that is not 2049." required />
          <TextField label="Export" value={draft.export} error={errors.export} onChange={(path) => onChange({ export: path })} className="font-mono" placeholder="/srv/backups" required />
          <TextField label="Directory in it" optional value={draft.directory} error={errors.directory} onChange={(directory) => onChange({ directory })} className="font-mono" help="It must exist." />
        </>
      )
    case 'LOCAL':
      return (
        <>
          <TextField label="Directory" value={draft.path} error={errors.path} onChange={(path) => onChange({ path })} className="font-mono" placeholder="/srv/backups" help="An absolute path. It must exist on each hypervisor." required />
          <Notice tone="warn" title="Backups there are lost with their host.">
            They help against mistakes, not against the loss of a hypervisor.
          </Notice>
        </>
      )
  }
}
