import type { Dependency, ReadyReport } from '@fractal-lba/runtime'
import type { LogStatus } from './log/submission-log.js'

export type LogReadiness = Pick<LogStatus, 'refusal' | 'noRoom' | 'draining' | 'retired' | 'damaged'>

/**
 * Ready while the log takes submissions; a damaged segment does not stop that, but a person must look at it. Where none
 * are taken, the part that is the reason says so: the disk, or the log itself (it drains, is retired, or has too much
 * unfinished).
 */
export function readyReport({ refusal, noRoom, draining, retired, damaged }: LogReadiness): ReadyReport {
  const damage = damageText(damaged)
  if (refusal === undefined) {
    return {
      status: damage === undefined ? 'ready' : 'degraded',
      ...(damage === undefined ? {} : { detail: damage }),
      dependencies: { disk: { state: 'up' }, log: partly('up', damage) },
    }
  }
  const disk: Dependency = noRoom === undefined ? { state: 'up' } : { state: 'full', detail: noRoom }
  const isDisk = refusal === noRoom
  const state = retired ? 'retired' : draining ? 'draining' : isDisk ? 'up' : 'full'
  return {
    status: 'not_ready',
    detail: refusal,
    dependencies: { disk, log: partly(state, isDisk ? damage : refusal) },
  }
}

const NAMES_MAX = 4

function partly(state: Dependency['state'], detail: string | undefined): Dependency {
  return { state, ...(detail === undefined ? {} : { detail }) }
}

function damageText(quarantined: readonly string[]): string | undefined {
  if (quarantined.length === 0) return undefined
  const names = quarantined.slice(0, NAMES_MAX).join(', ')
  const rest = quarantined.length > NAMES_MAX ? ', …' : ''
  return `quarantined, because damaged: ${names}${rest}; look with pcs wal verify`
}
