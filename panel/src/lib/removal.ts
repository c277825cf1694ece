/** Why an item of this status cannot be deleted now; null if it can. */
export function removalReason(status: string): string | null {
  return IN_USE[status] ?? null
}

const IN_USE: Record<string, string> = {
  PENDING: 'It is still being made.',
  CREATING: 'It is still being made.',
  RESTORING: 'A restore reads it.',
  DELETING: 'It is being deleted already.',
}
