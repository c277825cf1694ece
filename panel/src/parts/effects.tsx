/** What a change does, told before it is saved: nothing where nothing is changed. */

import { Notice } from './notice'

export function Effects({ effects }: { effects: readonly string[] }) {
  if (effects.length === 0) return null
  return (
    <Notice live="status" tone="info" title="What this does when it is saved">
      <ul>
        {effects.map((effect) => (
          <li key={effect} className="nums">
            {effect}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
