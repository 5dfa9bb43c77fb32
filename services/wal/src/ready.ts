import type { Dependency, ReadyReport } from '@fractal-lba/runtime'

/**
 * Ready while the log takes submissions; a damaged segment does not stop that, but a person must look at it.
 * @param refusal why none are taken, undefined while they are.
 */
export function readyReport(refusal: string | undefined, quarantined: readonly string[]): ReadyReport {
  const log = logState(quarantined)
  if (refusal !== undefined) {
    return {
      status: 'not_ready',
      detail: refusal,
      dependencies: { disk: { state: 'full', detail: refusal }, log },
    }
  }
  return {
    status: quarantined.length > 0 ? 'degraded' : 'ready',
    ...(log.detail === undefined ? {} : { detail: log.detail }),
    dependencies: { disk: { state: 'up' }, log },
  }
}

const NAMES_MAX = 4

function logState(quarantined: readonly string[]): Dependency {
  if (quarantined.length === 0) return { state: 'up' }
  const names = quarantined.slice(0, NAMES_MAX).join(', ')
  const rest = quarantined.length > NAMES_MAX ? ', …' : ''
  const detail = `quarantined, because damaged: ${names}${rest}; look with pcs wal verify`
  return { state: 'up', detail }
}
