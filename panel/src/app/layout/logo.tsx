/** The product's mark and name. */

export function Logo() {
  return (
    <span className="flex items-center gap-2.5 text-body font-semibold">
      <svg viewBox="0 0 24 24" className="size-6 shrink-0" aria-hidden="true">
        <rect width="24" height="24" rx="6" className="fill-accent" />
        <g fill="none" stroke="#fff" strokeWidth="2.2" strokeLinecap="round">
          <path d="M5 9.6c2.3-2.4 4.6-2.4 7 0s4.7 2.4 7 0" />
          <path d="M5 15.4c2.3-2.4 4.6-2.4 7 0s4.7 2.4 7 0" opacity="0.6" />
        </g>
      </svg>
      Tidemark
    </span>
  )
}
