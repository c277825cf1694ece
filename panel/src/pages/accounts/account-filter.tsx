/** Narrows a list to one account, for administrators. On screens that customers have too, they do not load it. */

import { lazy, Suspense } from 'react'

import { loadPart } from '~/lib/load-part'

import type { AccountFilterProps } from './account-filter-menu'

const Menu = lazy(() => loadPart(() => import('./account-filter-menu')))

export function AccountFilter(props: AccountFilterProps) {
  return (
    <Suspense fallback={<div className="h-9 w-40" />}>
      <Menu {...props} />
    </Suspense>
  )
}
