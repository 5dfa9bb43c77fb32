import { fileURLToPath } from 'node:url'
import {
  builtPrograms,
  type Environment,
  freePortBlock,
  readyStatus,
  type ServiceName,
  SupervisedProcess,
} from '@fractal-lba/local'
import { localOpsAddress } from '@fractal-lba/runtime'
import { onTestFinished } from 'vitest'
import { Client } from './client.js'
import { patience } from './patience.js'
import { type AnyConstellation, addressOf, type System } from './system.js'
import { until } from './until.js'

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))
const START_LIMIT_MS = 20_000
const STOP_GRACE_MS = 5_000

/** A process of the product by itself. */
export interface LoneProcess {
  readonly process: SupervisedProcess
  /** What it wrote, and how it ended if it did. */
  readonly said: string[]
  /** The exit code in words; undefined while it lives. */
  death(): string | undefined
}

/** Starts one process of the product with this environment and no other; it ends with the test. */
export function startAlone(name: ServiceName, env: Environment): LoneProcess {
  const said: string[] = []
  let death: string | undefined
  const program = builtPrograms(repositoryRoot).find((candidate) => candidate.name === name)
  if (!program) throw new Error(`there is no program ${name}`)
  const { PATH, HOME, FRACTAL_LBA_TEST_RUN } = globalThis.process.env
  const process = new SupervisedProcess({
    ...program,
    cwd: repositoryRoot,
    env: { PATH, HOME, FRACTAL_LBA_TEST_RUN, ...env },
    restart: false,
    stopGraceMs: STOP_GRACE_MS,
    onLine: ({ text }) => said.push(text),
    onStarted: () => undefined,
    onDeath: ({ cause }) => {
      death = cause
    },
  })
  onTestFinished(() => process.stop())
  process.start()
  return { process, said, death: () => death }
}

/** Resolves when it serves. @throws Error with what it said when it ends before. */
export async function untilServing({ process, said, death }: LoneProcess): Promise<void> {
  await until(`${process.name} serves`, START_LIMIT_MS, () => {
    if (death() !== undefined) throw new Error(`${process.name} ${death()}: ${said.join('\n')}`)
    return process.isStarted
  })
}

export interface Branch {
  readonly client: Client
  readonly grpcAddress: string
  readonly gateway: LoneProcess
}

/**
 * A second gateway before the same log, index and scoring, for one test; with a verifier of its own where that is
 * to have other keys.
 */
export async function startBranch(
  system: System<AnyConstellation>,
  env: { readonly gateway?: Environment; readonly verifier?: Environment },
): Promise<Branch> {
  const block = await freePortBlock()
  onTestFinished(() => block.release())
  const place = { port: block.base }
  const of = (name: ServiceName): string => addressOf(system.site, name)
  const addresses = {
    GRPC_ADDR: addressOf(place, 'verifier'),
    METRICS_ADDR: localOpsAddress('verifier', block.base),
  }
  const verifier = env.verifier && startAlone('verifier', { ...addresses, ...env.verifier })
  const gateway = startAlone('gateway', {
    PORT: String(block.base),
    WAL_ADDR: of('wal'),
    VERIFIER_ADDR: env.verifier ? addressOf(place, 'verifier') : of('verifier'),
    DEDUP_ADDR: of('dedup'),
    SCORING_ADDR: of('signal-scoring'),
    TOKEN_RATE: '0',
    ...patience,
    ...env.gateway,
  })
  await untilServing(gateway)
  if (verifier) {
    await untilServing(verifier)
    const isReady = async (): Promise<boolean> =>
      (await readyStatus(`http://127.0.0.1:${block.base}`)) === 'ready'
    await until('the gateway has found its verifier', START_LIMIT_MS, isReady)
  }
  const client = new Client(`http://127.0.0.1:${block.base}`)
  onTestFinished(() => client.close())
  return { client, grpcAddress: addressOf(place, 'gateway'), gateway }
}
