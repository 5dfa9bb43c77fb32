import { ProcessClock } from './clock/process-clock.js'
import { ConfigError, Env } from './env.js'
import { standardError } from './line-output.js'
import { type LogLevel, logLevels, otherLevel } from './log-level.js'
import { createLogger, type Logger } from './logger.js'
import { createRegistry, type Registry } from './metrics.js'
import type { BasicAuth } from './ops-server.js'
import type { RpcContext } from './rpc/context.js'
import { grpcTransport } from './rpc/grpc-transport.js'
import type { Transport } from './rpc/transport.js'
import { readClockOffsetMaxMs } from './shared-settings.js'
import { StartError } from './start-error.js'
import { readTelemetryConfig, type TelemetryConfig } from './telemetry/config.js'
import { startTelemetry, type Telemetry, tracedBy } from './telemetry/start.js'
import type { Tracer } from './telemetry/tracer.js'
import { openSecurity, type TlsConfig } from './tls.js'

export { StartError } from './start-error.js'

/** sysexits(3): a mistake in the configuration. A supervisor need not try again. */
export const EXIT_CONFIG = 78
/** sysexits(3): something that the start needs is taken or not there, such as a port. */
export const EXIT_UNAVAILABLE = 69

/** What every process has. */
export interface ProcessContext extends RpcContext {
  readonly logger: Logger
  readonly registry: Registry
  /** What carries its calls to other services, and theirs to it. */
  readonly transport: Transport
  /** Its clock, and what is known against it; told to its peers with each call. */
  readonly clock: ProcessClock
  /** Where the spans of its work go; undefined where none are wanted. */
  readonly tracer?: Tracer | undefined
  /** Aborted once, when the process is asked to stop. */
  readonly stopping: AbortSignal
  /** Logs the error and ends the process at once, where it cannot go on: after a failed flush, for instance. */
  readonly fatal: (error: Error) => void
}

export interface Running {
  /** Finishes the calls under way, then closes everything. */
  stop(): Promise<void>
}

/** The variables that every process reads. */
export interface CommonConfig {
  readonly logLevel: LogLevel
  readonly metricsAuth: BasicAuth | undefined
  /** How long a stop may take before calls under way are cut. */
  readonly stopGraceMs: number
  /** How far its clock may be from others before it counts as wrong. */
  readonly clockOffsetMaxMs: number
  /** Undefined: nobody wants spans. */
  readonly telemetry?: TelemetryConfig | undefined
  /** What it is among the services; absent: it calls none, or there is no TLS between them. */
  readonly tls?: TlsConfig | undefined
}

export function readCommonConfig(env: Env): CommonConfig {
  const user = env.optional('METRICS_USER')
  const password = env.optional('METRICS_PASS')
  if ((user === undefined) !== (password === undefined)) {
    env.mistake('METRICS_USER and METRICS_PASS belong together: set both or none')
  }
  return {
    logLevel: env.oneOf('LOG_LEVEL', logLevels, 'info'),
    metricsAuth: user !== undefined && password !== undefined ? { user, password } : undefined,
    stopGraceMs: env.durationMs('STOP_GRACE', 5_000, { min: 0, max: 600_000 }),
    clockOffsetMaxMs: readClockOffsetMaxMs(env),
    telemetry: readTelemetryConfig(env),
  }
}

/**
 * A stop that takes longer, on a disk that hangs for instance, is ended by a kill. The limit is longer than any last
 * snapshot takes, and no acknowledged record depends on a clean stop.
 */
const STOP_MS_MAX = 60_000

/**
 * Runs a process from its first to its last line: reads the configuration (all mistakes at once, exit 78),
 * starts, logs that, and stops on SIGTERM, SIGINT or the end of the parent, whether it has started by then or not.
 * SIGUSR2 switches between the level of the start and debug.
 */
export async function runProcess<Config extends CommonConfig>(
  name: string,
  readConfig: (env: Env) => Config,
  start: (config: Config, context: ProcessContext) => Promise<Running>,
  stopMsMax = STOP_MS_MAX,
): Promise<void> {
  const config = readOrExit(name, readConfig)
  const logger = createLogger(name, config.logLevel)
  const stopping = new AbortController()
  const fatal = (error: Error): void => {
    logger.fatal({ err: error }, error.message)
    process.exit(1)
  }
  process.on('uncaughtException', fatal)
  process.on('unhandledRejection', (reason) =>
    fatal(reason instanceof Error ? reason : new Error(String(reason))),
  )

  process.on('SIGUSR2', () => {
    logger.level = otherLevel(logger.level, config.logLevel)
    logger.warn(`lines are written from level ${logger.level} on (SIGUSR2)`)
  })

  let running: Running | undefined
  let telemetry: Telemetry | undefined
  const stop = (why: string): void => {
    if (stopping.signal.aborted) return
    logger.info(`stopping: ${why}`)
    stopping.abort()
    // A process that has not started has no calls to finish.
    if (!running) process.exit(0)
    endAfter(stopMsMax, logger)
    running
      .stop()
      .then(() => telemetry?.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fatal(error instanceof Error ? error : new Error(String(error))),
      )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  // A supervisor has an IPC channel to this process. It closes when the supervisor ends, for whatever reason.
  const supervisorHasEnded = (): void => stop('the supervisor has ended')
  if (process.send) {
    process.on('disconnect', supervisorHasEnded)
    // It may have ended before anybody listened.
    if (!process.connected) supervisorHasEnded()
  }

  try {
    const registry = createRegistry(name)
    const security = await openSecurity(config.tls, { logger, registry, stopping: stopping.signal })
    telemetry = await startTelemetry(name, config.telemetry, { registry, logger })
    running = await start(config, {
      ...{ logger, registry, transport: grpcTransport, security, ...tracedBy(telemetry) },
      ...{ clock: new ProcessClock({ limitMs: config.clockOffsetMaxMs, service: name }) },
      ...{ stopping: stopping.signal, fatal },
    })
  } catch (error) {
    exitForStart(name, logger, error)
    return
  }
  logger.info('started')
  process.send?.('started', undefined, undefined, (error) => {
    if (error) supervisorHasEnded()
  })
}

/** Kills the process by SIGKILL, because exit would wait for a thread that is blocked by a disk that hangs. */
function endAfter(ms: number, logger: Logger): void {
  const end = (): void => {
    logger.fatal(`the stop has not ended in ${ms} ms: killed`)
    process.kill(process.pid, 'SIGKILL')
  }
  setTimeout(end, ms).unref()
}

function readOrExit<Config>(name: string, readConfig: (env: Env) => Config): Config {
  const env = new Env(process.env)
  try {
    const config = readConfig(env)
    env.done()
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    standardError.write(`${name} cannot start with this environment:\n`)
    for (const mistake of error.mistakes) standardError.write(`  - ${mistake}\n`)
    process.exit(EXIT_CONFIG)
  }
}

function exitForStart(name: string, logger: Logger, error: unknown): void {
  // grpc-js has no error code for a taken port, only its message.
  const inUse = error instanceof Error && error.message.includes('EADDRINUSE')
  if (error instanceof StartError || inUse) {
    standardError.write(`${name} cannot start: ${error.message}\n`)
    process.exit(EXIT_UNAVAILABLE)
  }
  logger.fatal({ err: error }, 'cannot start')
  process.exit(1)
}
