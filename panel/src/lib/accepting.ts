/** What it means to accept what is in a place now, by what kind of place it is. */

interface Words {
  /** What may have been put in its place. */
  former: string
  when: string
}

const WORDS: Record<string, Words> = {
  CEPH_RBD: {
    former: 'Ceph pool',
    when: 'Do this where the pool was made anew, or its marker was deleted, not where the cluster can’t be reached.',
  },
  S3: {
    former: 'bucket',
    when: 'Do this where the bucket was made anew, or its marker was deleted, not where the store can’t be reached.',
  },
  NFS: {
    former: 'export',
    when: 'Do this where the export was replaced or emptied, not where its server can’t be reached.',
  },
}

const OF_A_DISK: Words = {
  former: 'disk',
  when: 'Do this where the disk was replaced or emptied, not where it is missing: mount it instead.',
}

/** What is said behind its name; `medium` is a pool's storage type, or a backup storage's kind. */
export function acceptWords(medium: string): string {
  const { former, when } = WORDS[medium] ?? OF_A_DISK
  return ` is taken as it is now, and the former ${former} is refused from then on. ${when} What lay ${former === 'disk' ? 'on' : 'in'} the former ${former} can’t be found any more.`
}
