/** Whether a restore is to be offered a new image in the place of the volume's. */

interface Volume {
  status: string
  dataState: string
  /** The newest first. */
  operations: { nodes: readonly { kind: string; status: string; error: { code: string } | null }[] }
}

/** Whether what keeps the volume from being rolled back may be its image, so that a new one is the cure. */
export function mayNeedNewImage({ status, dataState, operations }: Volume): boolean {
  if (status === 'FAILED' || dataState === 'INCONSISTENT') return true
  // Whatever met a damaged image has said so; a restore that was completed has healed it.
  const telling = operations.nodes.find((one) => one.error?.code === 'IMAGE_DAMAGED' || (one.kind === 'RESTORE_IN_PLACE' && one.status === 'COMPLETED'))
  return telling?.error != null
}
