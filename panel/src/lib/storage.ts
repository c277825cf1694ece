/** What kinds of storage are called. */

const NAMES: Record<string, string> = { QCOW2_FILE: 'QCOW2 file', CEPH_RBD: 'Ceph' }

export function storageName(type: string): string {
  return NAMES[type] ?? type
}
