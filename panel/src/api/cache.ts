/** The normalised cache: what has an id is known by it, the rest belongs to what it stands in. */

import { cacheExchange } from '@urql/exchange-graphcache'

const embedded = () => null

/** Types without an id of their own. Connections and their edges are found by their endings. */
const EMBEDDED = [
  'ActionAvailability',
  'AgentUpdate',
  'Attention',
  'BackupLocation',
  'BackupStorageTest',
  'BackupVerification',
  'Blocker',
  'Cooldown',
  'Cost',
  'ErrorDescription',
  'LocalStorage',
  'NfsStorage',
  'OperationError',
  'OperationEvent',
  'OperationLog',
  'OperationProgress',
  'OperationWaiting',
  'PageInfo',
  'PlaceMark',
  'S3Storage',
  'UsageGroup',
  'UsageGroups',
  'UsageReport',
  'Viewer',
  'VolumeActions',
  'VolumeActivity',
  'VolumePlanRate',
  'VolumeUsage',
]
const LISTS = ['Account', 'Backup', 'Instance', 'Operation', 'OperationEvent', 'OperationLog', 'Snapshot', 'User', 'Volume']

const keys = Object.fromEntries(
  [...EMBEDDED, ...LISTS.flatMap((noun) => [`${noun}Connection`, `${noun}Edge`])].map((name) => [name, embedded]),
)

export const cache = () => cacheExchange({ keys })
