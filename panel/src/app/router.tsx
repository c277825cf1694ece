/** Which page is where. Each is loaded when it is first opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'

import { arrival } from '~/lib/arrival'
import { readCursors } from '~/lib/pages'
import { readVolumesSearch } from '~/lib/volumes-search'

import { Layout } from './layout/layout'
import { NotFoundPage, PageError } from './page-error'

const root = createRootRoute({ component: Layout, notFoundComponent: () => <NotFoundPage /> })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/volumes' })
  },
})

const volumes = createRoute({
  getParentRoute: () => root,
  path: '/volumes',
  validateSearch: readVolumesSearch,
  component: lazyRouteComponent(() => import('~/pages/volumes/volumes-page')),
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
  component: lazyRouteComponent(() => import('~/pages/volume/volume-page')),
})

const backups = createRoute({
  getParentRoute: () => root,
  path: '/backups',
  validateSearch: readCursors,
  component: lazyRouteComponent(() => import('~/pages/backups/backups-page')),
})

const instances = createRoute({
  getParentRoute: () => root,
  path: '/instances',
  validateSearch: readCursors,
  component: lazyRouteComponent(() => import('~/pages/instances/instances-page')),
})

const apiTokens = createRoute({
  getParentRoute: () => root,
  path: '/api-tokens',
  component: lazyRouteComponent(() => import('~/pages/api-tokens/api-tokens-page')),
})

export const router = createRouter({
  routeTree: root.addChildren([home, volumes, volumeRoute, backups, instances, apiTokens]),
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
