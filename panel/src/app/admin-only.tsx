/** What only administrators find; to others it is not there. */

import { Outlet } from '@tanstack/react-router'

import { NotFoundPage } from './page-error'
import { useIsAdmin } from './session'

export function AdminOnly() {
  return useIsAdmin() ? <Outlet /> : <NotFoundPage />
}
