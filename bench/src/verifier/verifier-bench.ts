import { cpus } from 'node:os'
import { type Ed25519Check, ed25519PrivateKey, hmacKey } from '@fractal-lba/pcs'
import { SignatureQueue } from '@fractal-lba/verifier-service'
import { type Quartiles, quartilesOf } from '../compare/statistics.js'
import { BATCH_ITEMS, VerifierAlone, type VerifierWindow } from './batches.js'
import { PureVerify } from './pure-verify.js'

/** What the verifier does by itself, beside threads that call nothing but crypto.verify. */
export interface VerifierFigures {
  /** Threads that only call crypto.verify: as many as the machine has cores, and libuv threads. */
  readonly threads: number
  readonly purePerSecond: Quartiles
  readonly ed25519PerSecond: Quartiles
  /** Of the windows that belong together, ed25519 / pure. */
  readonly ratio: Quartiles
  /** CPU of one crypto.verify by itself, of a record under HMAC, and of one under Ed25519. */
  readonly verifyCpuUs: Quartiles
  readonly hmacCpuUs: Quartiles
  readonly ed25519CpuUs: Quartiles
  /** (ed25519 − hmac) / one crypto.verify, CPU. */
  readonly cpuRatio: Quartiles
  /** How late a timer is, 99th percentile: as it is, and where every check is made on the event loop's own thread. */
  readonly stallMs: Quartiles
  readonly hmacStallMs: Quartiles
  readonly sameThreadStallMs: Quartiles
}

export interface VerifierBench {
  readonly windows: number
  readonly windowMs: number
  readonly signal: AbortSignal
}

const LIBUV_THREADS = 4
const US_PER_MS = 1000

interface Round {
  readonly pure: { readonly checks: number; readonly elapsedMs: number; readonly cpuMs: number }
  readonly hmac: VerifierWindow
  readonly ed25519: VerifierWindow
  readonly sameThread: VerifierWindow
}

export async function benchVerifier({ windows, windowMs, signal }: VerifierBench): Promise<VerifierFigures> {
  const threads = Math.min(cpus().length, Number(process.env.UV_THREADPOOL_SIZE ?? LIBUV_THREADS))
  const pure = await PureVerify.open(threads)
  try {
    const contenders = verifiers()
    const rounds: Round[] = []
    // The first round warms compilers and caches up.
    for (let round = 0; round <= windows; round += 1) {
      signal.throwIfAborted()
      const measured = await measureRound(pure, contenders, windowMs)
      if (round > 0) rounds.push(measured)
    }
    return figuresOf(rounds, threads)
  } finally {
    await pure.close()
  }
}

function verifiers() {
  const queue = new SignatureQueue({ underWayMax: BATCH_ITEMS, waitingMax: 4_096, waitMaxMs: 60_000 })
  const here: Ed25519Check<Promise<boolean>> = async (key, digest, signature) => key.verify(digest, signature)
  const key = ed25519PrivateKey(Buffer.alloc(32, 7).toString('base64'))
  return {
    hmac: new VerifierAlone(hmacKey('a key of the bench, no secret'), queue.check),
    ed25519: new VerifierAlone(key, queue.check),
    sameThread: new VerifierAlone(key, here),
  }
}

async function measureRound(
  threads: PureVerify,
  { hmac, ed25519, sameThread }: ReturnType<typeof verifiers>,
  windowMs: number,
): Promise<Round> {
  return {
    hmac: await hmac.run(windowMs),
    ed25519: await ed25519.run(windowMs),
    pure: await pureWindow(threads, windowMs),
    sameThread: await sameThread.run(windowMs),
  }
}

async function pureWindow(threads: PureVerify, windowMs: number): Promise<Round['pure']> {
  const cpu = process.cpuUsage()
  const beganMs = performance.now()
  const checks = await threads.run(windowMs)
  const { user, system } = process.cpuUsage(cpu)
  return { checks, elapsedMs: performance.now() - beganMs, cpuMs: (user + system) / US_PER_MS }
}

function figuresOf(rounds: readonly Round[], threads: number): VerifierFigures {
  const over = (of: (round: Round) => number): Quartiles => quartilesOf(rounds.map(of))
  const pureRate = ({ pure }: Round): number => (1000 * pure.checks) / pure.elapsedMs
  const rate = ({ ed25519 }: Round): number => (1000 * ed25519.records) / ed25519.elapsedMs
  const verifyUs = ({ pure }: Round): number => (US_PER_MS * pure.cpuMs) / pure.checks
  const recordUs = ({ cpuMs, records }: VerifierWindow): number => (US_PER_MS * cpuMs) / records
  return {
    threads,
    purePerSecond: over(pureRate),
    ed25519PerSecond: over(rate),
    ratio: over((round) => rate(round) / pureRate(round)),
    verifyCpuUs: over(verifyUs),
    hmacCpuUs: over(({ hmac }) => recordUs(hmac)),
    ed25519CpuUs: over(({ ed25519 }) => recordUs(ed25519)),
    cpuRatio: over((round) => (recordUs(round.ed25519) - recordUs(round.hmac)) / verifyUs(round)),
    stallMs: over(({ ed25519 }) => ed25519.stallMs),
    hmacStallMs: over(({ hmac }) => hmac.stallMs),
    sameThreadStallMs: over(({ sameThread }) => sameThread.stallMs),
  }
}
