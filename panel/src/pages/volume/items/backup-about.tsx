/** What stands below the name of a backup: how much of it is stored, or that a restore found it damaged. */

import { formatBytes } from '~/lib/bytes'
import { Ago } from '~/parts/time'

interface BackupAboutProps {
  backup: { storedBytes: number | null; verification: { at: string; ok: boolean; message: string | null } | null }
}

export function BackupAbout({ backup: { storedBytes, verification } }: BackupAboutProps) {
  if (verification?.ok === false) {
    return (
      <span className="line-clamp-3 max-w-80 text-bad anywhere">
        A restore found it damaged <Ago at={verification.at} />. {verification.message}
      </span>
    )
  }
  return storedBytes === null ? null : `${formatBytes(storedBytes)} stored`
}
