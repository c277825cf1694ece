/** What the sidebar lists. A new screen gets its line here. */

import { Archive, Cpu, HardDrive, KeyRound, type LucideIcon } from 'lucide-react'

export interface NavigationItem {
  to: string
  label: string
  icon: LucideIcon
}

export interface NavigationGroup {
  label: string
  items: readonly NavigationItem[]
}

export const NAVIGATION: readonly NavigationGroup[] = [
  {
    label: 'Compute',
    items: [
      { to: '/instances', label: 'Instances', icon: Cpu },
      { to: '/volumes', label: 'Volumes', icon: HardDrive },
      { to: '/backups', label: 'Backups', icon: Archive },
    ],
  },
  { label: 'Account', items: [{ to: '/api-tokens', label: 'API tokens', icon: KeyRound }] },
]
