import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PORT_MAX } from '@fractal-lba/runtime'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'
import type { Program } from './layout.js'
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
  const [first, ...others] = problems
  if (!first) return undefined
  const more =
    others.length === 0 ? '' : ` (${others.map(({ port }) => port).join(', ')} cannot be used either)`
  return `Port ${first.port} ${why(first)}, and ${first.neededBy} needs it${more}: ${await wayOut(port, hosts)}`
}

function why({ code }: PortProblem): string {
  if (code === 'EADDRINUSE') return 'is taken'
  if (code === 'EACCES') return 'is not allowed to you'
  return `cannot be used (${code})`
}

/** Names a PORT that would work, so that the sentence does not lead into the next one. */
async function wayOut(port: number, hosts: readonly string[]): Promise<string> {
  for (let candidate = 9_000; candidate <= PORT_MAX; candidate += 1_000) {
    if (candidate !== port && (await portProblems(candidate, hosts)).length === 0) {
      return `choose other ports with PORT=${candidate} npm start`
    }
  }
  return 'choose other ports with PORT=… npm start'
}

async function directorySentence(dataDir: string): Promise<string | undefined> {
  const probe = join(dataDir, `.probe-${randomUUID()}`)
  try {
    await makeDirectory(dataDir, 0o700)
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
