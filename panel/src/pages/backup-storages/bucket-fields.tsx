/** A bucket of an S3-compatible store, and the key to it. */

import type { BucketStyle } from '~/lib/backup-storage'
import { SecretField } from '~/parts/secret-field'
import { SelectField } from '~/parts/select-field'
import { TextField } from '~/parts/text-field'

import type { DestinationFieldsProps } from './destination-fields'

const STYLES: readonly { value: BucketStyle; label: string; detail?: string }[] = [
  { value: 'auto', label: 'As the endpoint is likely to want' },
  { value: 'path', label: 'In the path', detail: 'https://store.example.com/bucket' },
  { value: 'host', label: 'In the host’s name', detail: 'https://bucket.store.example.com' },
]

export function BucketFields({ draft, onChange, errors, kept }: DestinationFieldsProps) {
  return (
    <>
      <TextField label="Endpoint" optional value={draft.endpoint} error={errors.endpoint} onChange={(endpoint) => onChange({ endpoint })} className="font-mono" placeholder="https://s3.example.com" help="That of AWS in the region if left out." />
      <div className="grid gap-5 sm:grid-cols-2">
        <TextField label="Region" value={draft.region} error={errors.region} onChange={(region) => onChange({ region })} className="font-mono" required />
        <TextField label="Bucket" value={draft.bucket} error={errors.bucket} onChange={(bucket) => onChange({ bucket })} className="font-mono" required />
      </div>
      <TextField label="Prefix" optional value={draft.prefix} error={errors.prefix} onChange={(prefix) => onChange({ prefix })} className="font-mono" help="What the keys begin with, before volumes/{volume_id}/." />
      <TextField label="Access key ID" value={draft.accessKeyId} error={errors.accessKeyId} onChange={(accessKeyId) => onChange({ accessKeyId })} className="font-mono" required />
      <SecretField
        label="Secret access key"
        value={draft.secretAccessKey}
        error={errors.secretAccessKey}
        onChange={(secretAccessKey) => onChange({ secretAccessKey })}
        kept={kept !== undefined}
        help="It is kept encrypted and can never be read again."
      />
      <SelectField label="Where the bucket’s name stands" value={draft.style} onChange={(style) => onChange({ style })} options={STYLES} />
    </>
  )
}
