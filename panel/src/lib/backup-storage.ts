/** What is typed of a backup storage: what is missing, what is sent, and whether a test is due. */

import { CreateBackupStorageInput } from '~/api/bounds.generated'

import { textReason } from './text-bound'

export type StorageKind = 'S3' | 'NFS' | 'LOCAL'

export const KIND_NAMES: Record<StorageKind, string> = { S3: 'S3-compatible', NFS: 'NFS export', LOCAL: 'Local directory' }

/** How a bucket is addressed; `auto` leaves it to the gateway. */
export type BucketStyle = 'auto' | 'path' | 'host'

/** A backup storage as the API tells it. */
export interface KnownStorage {
  id: string
  name: string
  kind: StorageKind
  bandwidthLimit: number | null
  s3: { endpoint: string | null; region: string; bucket: string; prefix: string | null; accessKeyId: string; forcePathStyle: boolean | null } | null
  nfs: { server: string; export: string; directory: string | null } | null
  local: { path: string } | null
}

/** All fields, whatever the kind: what was typed stays when the kind is changed and changed back. */
export interface StorageDraft {
  name: string
  kind: StorageKind
  endpoint: string
  region: string
  bucket: string
  prefix: string
  accessKeyId: string
  secretAccessKey: string
  style: BucketStyle
  server: string
  export: string
  directory: string
  path: string
  /** In MiB a second; empty for no limit. */
  limit: string
}

const MIB = 2 ** 20
/** Slower than this, the gateway takes no limit. */
const SLOWEST = CreateBackupStorageInput.bandwidthLimit.least

export function draftOf(storage: KnownStorage | undefined): StorageDraft {
  const { s3, nfs, local } = storage ?? {}
  return {
    name: storage?.name ?? '',
    kind: storage?.kind ?? 'S3',
    endpoint: s3?.endpoint ?? '',
    region: s3?.region ?? 'us-east-1',
    bucket: s3?.bucket ?? '',
    prefix: s3?.prefix ?? '',
    accessKeyId: s3?.accessKeyId ?? '',
    secretAccessKey: '',
    style: s3?.forcePathStyle == null ? 'auto' : s3.forcePathStyle ? 'path' : 'host',
    server: nfs?.server ?? '',
    export: nfs?.export ?? '',
    directory: nfs?.directory ?? '',
    path: local?.path ?? '',
    limit: storage?.bandwidthLimit == null ? '' : String(Math.round((storage.bandwidthLimit / MIB) * 1000) / 1000),
  }
}

/** Why it cannot be saved yet, in a sentence; null if it can. The rest is for the gateway to judge. */
export function draftReason(draft: StorageDraft, known: KnownStorage | undefined): string | null {
  const unnamed = textReason(draft.name, CreateBackupStorageInput.name, 'Name the backup storage first.')
  const missing = (Object.entries(NEEDED[draft.kind]) as [keyof StorageDraft, string][]).find(([field]) => draft[field].trim() === '')
  if (unnamed) return unnamed
  if (missing) return `${missing[1]} is missing.`
  if (draft.kind === 'S3' && draft.secretAccessKey === '') {
    if (!known) return 'The secret access key is missing.'
    if (draft.accessKeyId !== known.s3?.accessKeyId) return 'Another access key has another secret. Replace it, too.'
  }
  return limitBytes(draft.limit) === undefined ? `The limit is a number of MiB a second, at least ${SLOWEST / MIB}.` : null
}

const NEEDED: Record<StorageKind, Partial<Record<keyof StorageDraft, string>>> = {
  S3: { region: 'The region', bucket: 'The bucket', accessKeyId: 'The access key’s ID' },
  NFS: { server: 'The server', export: 'The export' },
  LOCAL: { path: 'The directory' },
}

/** Bytes a second; null for no limit, undefined for what is none. */
export function limitBytes(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const bytes = Math.round(Number(text) * MIB)
  return bytes >= SLOWEST && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** What the mutations take of it. What is left empty is cleared, but the secret stays. */
export function inputOf(draft: StorageDraft) {
  const text = (value: string) => value.trim() || null
  return {
    name: draft.name.trim(),
    bandwidthLimit: limitBytes(draft.limit) ?? null,
    s3:
      draft.kind === 'S3'
        ? {
            endpoint: text(draft.endpoint),
            region: draft.region.trim(),
            bucket: draft.bucket.trim(),
            prefix: text(draft.prefix),
            accessKeyId: draft.accessKeyId.trim(),
            secretAccessKey: draft.secretAccessKey || undefined,
            forcePathStyle: draft.style === 'auto' ? null : draft.style === 'path',
          }
        : undefined,
    nfs: draft.kind === 'NFS' ? { server: draft.server.trim(), export: draft.export.trim(), directory: text(draft.directory) } : undefined,
    local: draft.kind === 'LOCAL' ? { path: draft.path.trim() } : undefined,
  }
}

/** Whether anything was changed that a test would tell of: where it is, or how it is reached. */
export function isUntested(draft: StorageDraft, known: KnownStorage | undefined): boolean {
  if (!known || draft.secretAccessKey !== '') return true
  const { s3, nfs, local } = inputOf(draft)
  const before = inputOf(draftOf(known))
  return JSON.stringify([s3, nfs, local]) !== JSON.stringify([before.s3, before.nfs, before.local])
}
