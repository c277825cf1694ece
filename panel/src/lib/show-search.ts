/** Which of a list that is there as a whole is shown, as it stands in the URL. */

export function readShow<const All extends readonly string[]>(all: All, search: Record<string, unknown>): { show?: All[number] } {
  const show = all.find((one) => one === search['show'])
  return show ? { show } : {}
}

export const HYPERVISORS_SHOWN = ['offline', 'outdated'] as const
export const STORAGES_SHOWN = ['untested', 'failing'] as const
