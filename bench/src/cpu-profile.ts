import { basename } from 'node:path'

/** What is read of the V8 profile format. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** Ids of the nodes on top of the stack, one for each delta. */
  readonly samples: readonly number[]
  /** Microseconds. */
  readonly timeDeltas: readonly number[]
}

const IDLE = '(idle)'

/** The functions with the most time of their own, one a line, in shares of the time that was not idle. */
export function hottest(profile: CpuProfile, countMax: number): string {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const selfUs = new Map<string, number>()
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '?'
    selfUs.set(name, (selfUs.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0))
  }
  const totalUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0)
  const busyUs = totalUs - (selfUs.get(IDLE) ?? 0)
  selfUs.delete(IDLE)
  const lines = [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, countMax)
    .map(([name, us]) => `  ${percent(us, busyUs)} ${name}\n`)
  return `  busy ${percent(busyUs, totalUs)} of the time\n${lines.join('')}`
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${basename(url)}:${lineNumber + 1}`
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1).padStart(5)} %`
}
