/** What the sidebar lists. A new screen gets its line here. */

import { Archive, BellRing, ChartColumn, Boxes, Cpu, HardDrive, KeyRound, Layers, ListOrdered, type LucideIcon, Server, ShieldCheck, Users, Warehouse } from 'lucide-react'

export interface NavigationItem {
  to: string
  label: string
  icon: LucideIcon
}

export interface NavigationGroup {
  label: string
  items: readonly NavigationItem[]
}

const INSTANCES = { to: '/instances', label: 'Instances', icon: Cpu }
const VOLUMES = { to: '/volumes', label: 'Volumes', icon: HardDrive }
const BACKUPS = { to: '/backups', label: 'Backups', icon: Archive }
const USAGE = { to: '/usage', label: 'Usage', icon: ChartColumn }
const OWN = {
  label: 'Account',
  items: [
    { to: '/api-tokens', label: 'API tokens', icon: KeyRound },
    { to: '/security', label: 'Security', icon: ShieldCheck },
  ],
}

const CUSTOMERS: readonly NavigationGroup[] = [
  { label: 'Compute', items: [INSTANCES, VOLUMES, BACKUPS] },
  { ...OWN, items: [USAGE, ...OWN.items] },
]

const ADMINISTRATORS: readonly NavigationGroup[] = [
  { label: 'Now', items: [{ to: '/attention', label: 'Attention', icon: BellRing }] },
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
    items: [VOLUMES, BACKUPS, { to: '/plans', label: 'Plans', icon: Layers }, { to: '/queue', label: 'Queue', icon: ListOrdered }],
  },
  { label: 'Customers', items: [{ to: '/accounts', label: 'Accounts', icon: Users }, INSTANCES, USAGE] },
  OWN,
]

export function navigation(isAdmin: boolean): readonly NavigationGroup[] {
  return isAdmin ? ADMINISTRATORS : CUSTOMERS
}
