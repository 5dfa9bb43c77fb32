import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Program } from './layout.js'
import { PORT_MAX } from './layout.js'
import { type PortProblem, portProblems } from './ports.js'

/** What is looked at before anything is started. */
export interface Preflight {
  readonly port: number
  /** Where the gateway listens; the services are on the loopback. */
  readonly host: string
  readonly dataDir: string
  readonly programs: readonly Program[]
}

/** Everything that stands in the way of a start, each as one sentence that says what to do; empty when nothing. */
export async function preflight({ port, host, dataDir, programs }: Preflight): Promise<readonly string[]> {
  const hosts = [...new Set(['127.0.0.1', host])]
  const sentences = [
    await portSentence(port, hosts),
    await directorySentence(dataDir),
    ...programs.filter(({ main }) => !existsSync(main)).map(missingSentence),
  ]
  return sentences.filter((sentence) => sentence !== undefined)
}

async function portSentence(port: number, hosts: readonly string[]): Promise<string | undefined> {
  const problems = await portProblems(port, hosts)
  if (problems.length === 0) return undefined
  const way = `choose other ports with PORT=${await otherPort(port, hosts)} npm start`
  const [first] = problems
  if (first && problems.length === 1)
    return `Port ${first.port} ${why(first)}, and ${first.neededBy} needs it: ${way}`
  const list = problems.map((problem) => `${problem.port} (${problem.neededBy}) ${why(problem)}`).join(', ')
  return `Ports are not free: ${list}: ${way}`
}

function why({ code }: PortProblem): string {
  if (code === 'EADDRINUSE') return 'is taken'
  if (code === 'EACCES') return 'is not allowed to you'
  return `cannot be used (${code})`
}

/** A PORT that would work, so that the sentence does not lead into the next one. */
async function otherPort(port: number, hosts: readonly string[]): Promise<number> {
  for (let candidate = 9_000; candidate <= PORT_MAX; candidate += 1_000) {
    if (candidate !== port && (await portProblems(candidate, hosts)).length === 0) return candidate
  }
  return 9_000
}

async function directorySentence(dataDir: string): Promise<string | undefined> {
  const probe = join(dataDir, `.probe-${randomUUID()}`)
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await (await open(probe, 'wx', 0o600)).close()
    await unlink(probe)
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `${dataDir} cannot be written (${reason}): choose another place with DATA_DIR=/some/directory npm start`
  }
}

function missingSentence({ name, main }: Program): string {
  return `${main} (${name}) is not there: build it with npm run build`
}
