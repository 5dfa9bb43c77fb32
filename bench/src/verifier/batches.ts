import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { recordMaker } from '@fractal-lba/load'
import type { Ed25519Check, Ed25519PrivateKey, HmacKey, KeyRing } from '@fractal-lba/pcs'
import { record, type verifier } from '@fractal-lba/proto'
import { createLogger, Registry } from '@fractal-lba/runtime'
import { createVerifierMetrics, verifierService } from '@fractal-lba/verifier-service'
import { BenchFailure } from '../round.js'

/** As many as go in one batch between gateway and verifier. */
export const BATCH_ITEMS = 128
/** As many batches are under way as a gateway has lanes. */
const LANES = 2
const SEED = 20_260_101
const BATCHES_PREPARED = 16
const NS_PER_MS = 1e6
const STALL_STEP_MS = 1

export interface VerifierWindow {
  readonly records: number
  readonly elapsedMs: number
  readonly cpuMs: number
  /** By how much a timer of the same thread was late, 99th percentile. */
  readonly stallMs: number
}

type Batch = readonly verifier.VerifyItem[]

/** The verifier without network and processes: its handler, fed with batches as lanes do. */
export class VerifierAlone {
  readonly #verify: (items: Batch) => Promise<readonly verifier.VerifyResult[]>
  readonly #batches: readonly Batch[]

  constructor(key: HmacKey | Ed25519PrivateKey, check: Ed25519Check<Promise<boolean>>) {
    const ring: KeyRing = { algorithm: key.algorithm, keys: ['mac' in key ? key : key.publicKey] }
    const metrics = createVerifierMetrics(new Registry(), { ring: () => ring, waiting: () => 0 })
    const service = verifierService({ keys: { ring }, check, metrics }, createLogger('bench', 'fatal'))
    const handle = service.handlers.verifyBatches as (
      items: Batch,
      batch: { readonly contexts: readonly undefined[] },
    ) => Promise<readonly verifier.VerifyResult[]>
    this.#verify = (items) => handle(items, { contexts: [] })
    const next = recordMaker({ seed: SEED, key })
    const item = (): verifier.VerifyItem => ({
      body: Buffer.from(next().body),
      encoding: record.Encoding.ENCODING_JSON,
    })
    this.#batches = Array.from({ length: BATCHES_PREPARED }, () => Array.from({ length: BATCH_ITEMS }, item))
  }

  /** @throws BenchFailure when a record does not verify */
  async run(durationMs: number): Promise<VerifierWindow> {
    const stall = monitorEventLoopDelay({ resolution: STALL_STEP_MS })
    stall.enable()
    const cpu = process.cpuUsage()
    const beganMs = performance.now()
    const endMs = beganMs + durationMs
    const counts = await Promise.all(Array.from({ length: LANES }, (_, lane) => this.#lane(lane, endMs)))
    const elapsedMs = performance.now() - beganMs
    const { user, system } = process.cpuUsage(cpu)
    stall.disable()
    return {
      records: counts.reduce((sum, count) => sum + count, 0),
      elapsedMs,
      cpuMs: (user + system) / 1000,
      stallMs: stall.percentile(99) / NS_PER_MS - STALL_STEP_MS,
    }
  }

  async #lane(lane: number, endMs: number): Promise<number> {
    let records = 0
    for (let place = lane; performance.now() < endMs; place += LANES) {
      const results = await this.#verify(this.#batches[place % BATCHES_PREPARED] ?? [])
      if (results.some(({ result }) => result?.$case !== 'verified'))
        throw new BenchFailure('a record of the bench did not verify')
      records += results.length
      // A batch comes from a socket: never in the turn in which the one before was answered.
      await turn()
    }
    return records
  }
}
