/** The way to every list. */

import { Link } from '@tanstack/react-router'

import { useIsAdmin } from '../session'

import { Logo } from './logo'
import { navigation } from './navigation'

export function Sidebar({ onNavigate }: { onNavigate?: () => void }) {
  const isAdmin = useIsAdmin()
  return (
    <div className="flex h-full flex-col gap-5 overflow-y-auto px-3 py-4">
      <div className="flex items-center justify-between px-2">
        <Link to="/" onClick={onNavigate} className="rounded-field">
          <Logo />
        </Link>
        {isAdmin && <span className="rounded-chip bg-inverse px-2 py-0.5 text-meta font-medium text-on-inverse">Admin</span>}
      </div>
      <nav aria-label="Main" className="flex flex-col gap-5">
        {navigation(isAdmin).map((group) => (
          <div key={group.label}>
            <p id={`navigation-${group.label}`} className="px-2 pb-2 text-small text-ink-3">
              {group.label}
            </p>
            <ul aria-labelledby={`navigation-${group.label}`}>
              {group.items.map(({ to, label, icon: Icon }) => (
                <li key={to}>
                  <Link
                    to={to}
                    onClick={onNavigate}
                    className="flex h-8 items-center gap-3 rounded-segment border border-transparent px-2 text-body text-ink-2 hover:text-ink"
                    activeProps={{ className: 'border-line! bg-surface font-medium text-ink! shadow-card' }}
                  >
                    <Icon size={16} aria-hidden />
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
    </div>
  )
}
