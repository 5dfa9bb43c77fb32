import type { Dependency, ReadyReport } from '@fractal-lba/runtime'
import type { IndexKeeper } from './index/index-keeper.js'
import type { Store } from './store.js'

/** Not ready while it cannot answer; degraded while it takes nothing new, or a log cannot be read. */
export function readyReport(
  keeper: Pick<IndexKeeper, 'availability' | 'dependencies'>,
  store: Pick<Store, 'state'>,
): ReadyReport {
  const { availability } = keeper
  const { up, refusal } = store.state()
  const dependencies: Record<string, Dependency> = {
    store: storeState(up, availability.answers ? undefined : availability.refusal, refusal),
    ...keeper.dependencies(),
  }
  if (!availability.answers) return { status: 'not_ready', detail: availability.refusal, dependencies }
  if (!up) return { status: 'not_ready', detail: refusal ?? 'the store is down', dependencies }
  const allUp = Object.values(dependencies).every(({ state }) => state === 'up')
  return { status: allUp ? 'ready' : 'degraded', dependencies }
}

function storeState(up: boolean, filling: string | undefined, full: string | undefined): Dependency {
  if (!up) return { state: 'down', ...(full === undefined ? {} : { detail: full }) }
  if (filling !== undefined) return { state: 'filling', detail: filling }
  if (full !== undefined) return { state: 'full', detail: full }
  return { state: 'up' }
}
