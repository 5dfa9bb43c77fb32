import type { DrillSite } from './drill-site.js'

/** Something that goes wrong, with the alerts that must say so, as "FLKBackendDown page". */
export interface Fault {
  readonly what: string
  readonly alerts: readonly string[]
  /** Why it cannot be caused on this machine; undefined where it can. */
  readonly obstacle?: (site: DrillSite) => Promise<string | undefined>
  readonly begin: (site: DrillSite) => Promise<void>
  readonly end: (site: DrillSite) => Promise<void>
  /** It takes minutes until it shows, and disturbs no other: it goes on beside the others. */
  readonly isBeside?: true
}

export async function needsRoot(): Promise<string | undefined> {
  return process.getuid?.() === 0 ? undefined : 'only root can cause it'
}
