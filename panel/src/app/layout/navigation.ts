/** What the sidebar lists, for users and for administrators. A new screen gets its line here. */

import {
  Archive,
  Boxes,
  Cpu,
  HardDrive,
  KeyRound,
  Layers,
  ListOrdered,
  type LucideIcon,
  Server,
  Users,
  Warehouse,
} from 'lucide-react'

import type { Viewer } from '../session'

export interface NavigationItem {
  to: string
  label: string
  icon: LucideIcon
}

export interface NavigationGroup {
  label: string
  items: readonly NavigationItem[]
}

const USER: readonly NavigationGroup[] = [
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

const ADMIN: readonly NavigationGroup[] = [
  {
    label: 'Infrastructure',
    items: [
      { to: '/hypervisors', label: 'Hypervisors', icon: Server },
      { to: '/hypervisor-groups', label: 'Hypervisor groups', icon: Boxes },
      { to: '/backup-storages', label: 'Backup storage', icon: Warehouse },
    ],
  },
  {
    label: 'Block storage',
    items: [
      { to: '/volumes', label: 'Volumes', icon: HardDrive },
      { to: '/backups', label: 'Backups', icon: Archive },
      { to: '/plans', label: 'Plans', icon: Layers },
      { to: '/queue', label: 'Queue', icon: ListOrdered },
    ],
  },
  {
    label: 'Customers',
    items: [
      { to: '/accounts', label: 'Accounts', icon: Users },
      { to: '/instances', label: 'Instances', icon: Cpu },
    ],
  },
  { label: 'Account', items: [{ to: '/api-tokens', label: 'API tokens', icon: KeyRound }] },
]

export function navigation(role: Viewer['role']): readonly NavigationGroup[] {
  return role === 'ADMIN' ? ADMIN : USER
}
