/** Which page is where. Each is loaded when it is first opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Navigate } from '@tanstack/react-router'
import type { ComponentType } from 'react'

import { arrival } from '~/lib/arrival'
import { readBackupsSearch } from '~/lib/backups-search'
import { readListSearch } from '~/lib/list-search'
import { loadPart } from '~/lib/load-part'
import { readQueueSearch } from '~/lib/queue-search'
import { HYPERVISORS_SHOWN, readShow, STORAGES_SHOWN } from '~/lib/show-search'
import { readUsageSearch } from '~/lib/usage-month'
import { readVolumesSearch } from '~/lib/volumes-search'

import { AdminOnly } from './admin-only'
import { Layout } from './layout/layout'
import { NotFoundPage, PageError } from './page-error'
import { useIsAdmin } from './session'

/** A page that is loaded when it is first opened. */
const lazyPage = (load: () => Promise<{ default: ComponentType }>) => lazyRouteComponent(() => loadPart(load))

const root = createRootRoute({ component: Layout, notFoundComponent: () => <NotFoundPage /> })

/** Administrators land where they see what needs them. */
function Home() {
  return <Navigate to={useIsAdmin() ? '/attention' : '/volumes'} replace />
}

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: Home,
})

const volumes = createRoute({
  getParentRoute: () => root,
  path: '/volumes',
  validateSearch: readVolumesSearch,
  component: lazyPage(() => import('~/pages/volumes/volumes-page')),
})

const TABS = ['snapshots', 'backups', 'activity', 'settings'] as const
export type VolumeTab = (typeof TABS)[number]

export const volumeRoute = createRoute({
  getParentRoute: () => root,
  path: '/volumes/$volumeId',
  validateSearch: (search): { tab?: VolumeTab } => {
    const tab = TABS.find((one) => one === search['tab'])
    return tab ? { tab } : {}
  },
  component: lazyPage(() => import('~/pages/volume/volume-page')),
})

const backups = createRoute({
  getParentRoute: () => root,
  path: '/backups',
  validateSearch: readBackupsSearch,
  component: lazyPage(() => import('~/pages/backups/backups-page')),
})

const instances = createRoute({
  getParentRoute: () => root,
  path: '/instances',
  validateSearch: readListSearch,
  component: lazyPage(() => import('~/pages/instances/instances-page')),
})

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: readUsageSearch,
  component: lazyPage(() => import('~/pages/usage/usage-page')),
})

const apiTokens = createRoute({
  getParentRoute: () => root,
  path: '/api-tokens',
  component: lazyPage(() => import('~/pages/api-tokens/api-tokens-page')),
})

const security = createRoute({
  getParentRoute: () => root,
  path: '/security',
  component: lazyPage(() => import('~/pages/security/security-page')),
})

// What follows only administrators find.
const admin = createRoute({ getParentRoute: () => root, id: 'admin', component: AdminOnly })

const attention = createRoute({
  getParentRoute: () => admin,
  path: '/attention',
  component: lazyPage(() => import('~/pages/attention/attention-page')),
})

const hypervisors = createRoute({
  getParentRoute: () => admin,
  path: '/hypervisors',
  validateSearch: (search) => readShow(HYPERVISORS_SHOWN, search),
  component: lazyPage(() => import('~/pages/hypervisors/hypervisors-page')),
})

const hypervisor = createRoute({
  getParentRoute: () => admin,
  path: '/hypervisors/$hypervisorId',
  component: lazyPage(() => import('~/pages/hypervisor/hypervisor-page')),
})

const groups = createRoute({
  getParentRoute: () => admin,
  path: '/hypervisor-groups',
  component: lazyPage(() => import('~/pages/hypervisor-groups/hypervisor-groups-page')),
})

const group = createRoute({
  getParentRoute: () => admin,
  path: '/hypervisor-groups/$groupId',
  component: lazyPage(() => import('~/pages/hypervisor-group/hypervisor-group-page')),
})

const backupStorages = createRoute({
  getParentRoute: () => admin,
  path: '/backup-storages',
  validateSearch: (search) => readShow(STORAGES_SHOWN, search),
  component: lazyPage(() => import('~/pages/backup-storages/backup-storages-page')),
})

const backupStorage = createRoute({
  getParentRoute: () => admin,
  path: '/backup-storages/$storageId',
  component: lazyPage(() => import('~/pages/backup-storage/backup-storage-page')),
})

const plans = createRoute({
  getParentRoute: () => admin,
  path: '/plans',
  component: lazyPage(() => import('~/pages/plans/plans-page')),
})

const plan = createRoute({
  getParentRoute: () => admin,
  path: '/plans/$planId',
  component: lazyPage(() => import('~/pages/plan/plan-page')),
})

const queue = createRoute({
  getParentRoute: () => admin,
  path: '/queue',
  validateSearch: readQueueSearch,
  component: lazyPage(() => import('~/pages/queue/queue-page')),
})

const operation = createRoute({
  getParentRoute: () => admin,
  path: '/queue/$operationId',
  component: lazyPage(() => import('~/pages/operation/operation-page')),
})

const accounts = createRoute({
  getParentRoute: () => admin,
  path: '/accounts',
  validateSearch: readListSearch,
  component: lazyPage(() => import('~/pages/accounts/accounts-page')),
})

const account = createRoute({
  getParentRoute: () => admin,
  path: '/accounts/$accountId',
  component: lazyPage(() => import('~/pages/account/account-page')),
})

const accountUsage = createRoute({
  getParentRoute: () => admin,
  path: '/usage/$accountId',
  validateSearch: readUsageSearch,
  component: lazyPage(() => import('~/pages/usage/account-usage-page')),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    volumes,
    volumeRoute,
    backups,
    instances,
    usage,
    apiTokens,
    security,
    admin.addChildren([attention, hypervisors, hypervisor, groups, group, backupStorages, backupStorage, plans, plan, queue, operation, accounts, account, accountUsage]),
  ]),
  defaultErrorComponent: PageError,
  defaultPreload: 'intent',
  scrollRestoration: true,
})

router.subscribe('onBeforeNavigate', ({ fromLocation, pathChanged }) => {
  if (fromLocation && pathChanged) arrival.byLink = true
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
