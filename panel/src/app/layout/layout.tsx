/** What is around every page: the sidebar, the top bar and the place of the page between them. */

import { Outlet } from '@tanstack/react-router'

import { LiveUpdates } from '../live-updates'
import { ToastRegion } from '../toast-region'

import { AccountMenu } from './account-menu'
import { Breadcrumb } from './breadcrumb'
import { LinkIndicator } from './link-indicator'
import { MenuDrawer } from './menu-drawer'
import { Sidebar } from './sidebar'
import { ThemeButton } from './theme-button'

export function Layout() {
  return (
    <div className="lg:grid lg:grid-cols-[14.25rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="fixed top-2 left-2 z-40 -translate-y-16 rounded-field bg-inverse px-4 py-2 font-medium text-on-inverse focus:translate-y-0"
      >
        Skip to the content
      </a>
      <aside className="sticky top-0 hidden h-dvh border-r border-line bg-sunken lg:block">
        <Sidebar />
      </aside>
      <div className="flex min-h-dvh min-w-0 flex-col">
        <header className="flex h-13 items-center justify-between gap-3 border-b border-line px-4 md:px-8">
          <div className="flex min-w-0 items-center gap-1">
            <MenuDrawer />
            <Breadcrumb />
          </div>
          <div className="flex shrink-0 items-center gap-2">
            <LinkIndicator />
            <ThemeButton />
            <AccountMenu />
          </div>
        </header>
        <main id="content" tabIndex={-1} className="w-full max-w-[75rem] flex-1 px-4 pt-7 pb-10 md:px-8">
          <Outlet />
        </main>
      </div>
      <LiveUpdates />
      <ToastRegion />
    </div>
  )
}
