import type { Pcs } from '@fractal-lba/pcs'
import { closingOnFailure } from '@fractal-lba/runtime/closing-on-failure'
import type { Env } from '@fractal-lba/runtime/env'
import { type ReadyReport, startOpsServer } from '@fractal-lba/runtime/ops-server'
import {
  type CommonConfig,
  type ProcessContext,
  type Running,
  readCommonConfig,
  StartError,
} from '@fractal-lba/runtime/process'
import { WalError } from '@fractal-lba/wal'
import { BACKOFF_DEFAULT, type BackoffPolicy, Deliverer, Sender } from '../delivery/index.js'
import type { ClientTls } from '../exchange.js'
import { Outbox, OutboxError } from '../outbox/index.js'
import { type OutboxLimits, readOutboxLimits } from '../outbox/options.js'
import { CSV_SIZE_BYTES_MAX } from '../record/csv.js'
import { Builder } from './builder.js'
import { WatchedDirectory } from './directory.js'
import { AgentLog } from './events.js'
import type { FixedIdentity } from './file-identity.js'
import { createAgentMetrics, exposeNeverShipped } from './metrics.js'
import { watchOutbox } from './outbox-watch.js'
import type { BuildRules } from './record-builder.js'
import { tracedDelivery } from './traced-delivery.js'
import { Watcher } from './watcher.js'

/** Settings from the command line. */
export interface AgentOrder {
  readonly watchDirectory: string
  readonly outboxDirectory: string
  readonly endpoint: URL
  readonly tls: ClientTls
  readonly timeoutMs: number
  readonly inFlightMax: number
  readonly fixed: FixedIdentity
  readonly rules: BuildRules
  readonly settleMs: number
  readonly unfinishedMs: number
  readonly pollMs: number
  /** The bytes of a record as they are sent: signed, if it is to be. */
  readonly textOf: (record: Pcs) => Uint8Array
}

/** Settings from the environment. */
export interface AgentConfig extends CommonConfig {
  readonly metricsAddress: string
  readonly limits: OutboxLimits
  readonly backoff: BackoffPolicy
  readonly csvBytesMax: number
  readonly buildTimeoutMs: number
}

export function readAgentConfig(env: Env): AgentConfig {
  return {
    ...readCommonConfig(env),
    metricsAddress: env.address('METRICS_ADDR', '127.0.0.1:9086'),
    limits: readOutboxLimits(env),
    backoff: {
      baseMs: env.durationMs('RETRY_BASE', BACKOFF_DEFAULT.baseMs, { min: 1, max: 60_000 }),
      capMs: env.durationMs('RETRY_CAP', BACKOFF_DEFAULT.capMs, { min: 1, max: 3_600_000 }),
    },
    csvBytesMax: env.sizeBytes('CSV_BYTES_MAX', CSV_SIZE_BYTES_MAX, { min: 1_024, max: CSV_SIZE_BYTES_MAX }),
    buildTimeoutMs: env.durationMs('BUILD_TIMEOUT', 120_000, { min: 1_000, max: 3_600_000 }),
  }
}

/** Starts the agent: the outbox, what sends from it, what fills it from the directory, and the port for probes. */
export async function startAgent(
  order: AgentOrder,
  config: AgentConfig,
  { logger, registry, fatal, stopping, tracer }: ProcessContext,
): Promise<Running> {
  const log = new AgentLog(logger)
  const directory = new WatchedDirectory(order.watchDirectory)
  await forPeople(() => directory.prepare())
  const outbox = await forPeople(() =>
    Outbox.open(order.outboxDirectory, {
      ...config.limits,
      onFatal: fatal, // a flush that failed ends the process: the next start reads the disk
      onEvent: (event) => log.outbox(event),
    }),
  )
  if (outbox.contradictions > 0) {
    logger.error({ records: outbox.contradictions }, 'the outbox holds records that contradict each other')
  }
  const metrics = createAgentMetrics(registry, outbox)
  const { endpoint, tls, timeoutMs, inFlightMax } = order
  const deliverer = new Deliverer({ endpoint, tls, timeoutMs, connectionsMax: inFlightMax })
  const sender = new Sender({
    outbox,
    inFlightMax,
    deliver: tracedDelivery(deliverer.deliver, endpoint, tracer),
    deliverBatch: tracedDelivery(deliverer.deliverBatch, endpoint, tracer),
    backoff: config.backoff,
    onFatal: fatal,
    onAttempt(attempt) {
      metrics.countAttempt(attempt)
      log.attempt(attempt, sender.endpointIsDown)
    },
  })
  const builder = new Builder({
    rules: { ...order.rules, csvBytesMax: config.csvBytesMax },
    timeoutMs: config.buildTimeoutMs,
  })
  const watcher = new Watcher({
    directory,
    outbox,
    fixed: order.fixed,
    settleMs: order.settleMs,
    unfinishedMs: order.unfinishedMs,
    pollMs: order.pollMs,
    textOf: order.textOf,
    build: (task) => builder.build(task),
    onTrouble: (sentence) => log.trouble(sentence),
    onNeverShipped: (reason, files) => log.neverShipped(reason, files),
    onFile(event) {
      metrics.countFile(event)
      log.file(event)
    },
  })
  exposeNeverShipped(registry, () => watcher.neverShipped)
  const ready = (): ReadyReport => readiness({ stopping, outbox, sender, watcher, endpoint })
  const ops = await closingOnFailure(
    startOpsServer(config.metricsAddress, { registry, auth: config.metricsAuth, ready }),
    async () => {
      deliverer.close()
      await outbox.close()
    },
  )
  sender.start()
  watcher.start(fatal)
  watchOutbox(outbox, order.outboxDirectory, fatal, stopping)
  logger.info(
    { watch: order.watchDirectory, endpoint: endpoint.origin, ...outbox.counts },
    'the agent is at work',
  )
  return {
    async stop() {
      await builder.close()
      await watcher.stop()
      await sender.stop(config.stopGraceMs)
      deliverer.close()
      await outbox.close()
      await ops.close()
    },
  }
}

interface Parts {
  readonly stopping: AbortSignal
  readonly outbox: Outbox
  readonly sender: Sender
  readonly watcher: Watcher
  readonly endpoint: URL
}

/** Not ready: no record can get into the outbox. Degraded: they get in, but not on. */
function readiness({ stopping, outbox, sender, watcher, endpoint }: Parts): ReadyReport {
  const { writable, reason, quarantined } = outbox.status
  const damage = damageOf(quarantined, sender.unreadable)
  const full = outbox.refusal ?? (writable ? undefined : (reason ?? 'the outbox takes nothing'))
  const down = sender.endpointIsDown ? `${endpoint.origin} takes nothing now` : undefined
  const { trouble } = watcher
  const dependencies: ReadyReport['dependencies'] = {
    outbox: full
      ? { state: 'full', detail: full }
      : damage
        ? { state: 'up', detail: damage }
        : { state: 'up' },
    gateway: down ? { state: 'down', detail: down } : { state: 'up' },
    directory: trouble ? { state: 'down', detail: trouble } : { state: 'up' },
  }
  if (stopping.aborted) return { status: 'not_ready', detail: 'stopping', dependencies }
  if (full !== undefined) return { status: 'not_ready', detail: full, dependencies }
  const isWell = damage === undefined && down === undefined && trouble === undefined
  return { status: isWell ? 'ready' : 'degraded', dependencies }
}

function damageOf(quarantined: readonly string[], unreadable: number): string | undefined {
  if (unreadable > 0) return `damaged: ${unreadable} pending records cannot be read`
  return quarantined.length > 0 ? `damaged: ${quarantined.join(', ')}` : undefined
}

/** What a person can mend ends the start with its sentence alone. */
async function forPeople<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const sentence = error instanceof WalError || error instanceof OutboxError || isSystemError(error)
    if (sentence && error instanceof Error) throw new StartError(error.message, { cause: error })
    throw error
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
