import {
  createLogger,
  createRegistry,
  type Logger,
  openSecurity,
  otherLevel,
  ProcessClock,
  type ProcessClockOptions,
  type Registry,
  type Running,
  type ServiceName,
  startTelemetry,
  type Telemetry,
  type Transport,
  tracedBy,
} from '@fractal-lba/runtime'
import type { Starter } from './starters.js'

/** What a member tells its constellation. */
export interface MemberEvents {
  /** Takes each line of its log; standard output when there is none. */
  readonly onLine?: (service: ServiceName, line: string) => void
  /** It cannot go on, after a failed flush for instance: the process, or the test, must end. */
  readonly onFatal: (service: ServiceName, error: Error) => void
  /** For tests: the clock that a service has in its next life; the system's where it says nothing. */
  readonly clockOf?: ((service: ServiceName) => Partial<ProcessClockOptions>) | undefined
}

/** One life of a service in this process. */
interface Life {
  readonly running: Running
  readonly logger: Logger
  readonly registry: Registry
  readonly stopping: AbortController
  readonly telemetry: Telemetry
}

/** A service in this process: a logger, a registry, a tracer and a `stopping` of its own for each of its lives. */
export class Member {
  readonly name: ServiceName
  readonly #starter: Starter
  readonly #transport: Transport
  readonly #events: MemberEvents
  #life: Life | undefined

  /** @param transport shared with the others: calls between them need no socket. */
  constructor(name: ServiceName, starter: Starter, transport: Transport, events: MemberEvents) {
    this.name = name
    this.#starter = starter
    this.#transport = transport
    this.#events = events
  }

  get isRunning(): boolean {
    return this.#life !== undefined
  }

  /** Its metrics in this life; undefined when it does not run. */
  get registry(): Registry | undefined {
    return this.#life?.registry
  }

  /** Without effect when it runs. */
  async start(): Promise<void> {
    if (this.#life) return
    const { onLine, onFatal } = this.#events
    const logger = createLogger(
      this.name,
      this.#starter.logLevel,
      onLine && ((line) => onLine(this.name, line)),
    )
    const stopping = new AbortController()
    const clock = new ProcessClock({
      limitMs: this.#starter.clockOffsetMaxMs,
      service: this.name,
      ...this.#events.clockOf?.(this.name),
    })
    const fatal = (error: Error): void => {
      logger.fatal({ err: error }, error.message)
      onFatal(this.name, error)
    }
    const registry = createRegistry(this.name)
    const telemetry = await startTelemetry(this.name, this.#starter.telemetry, { registry, logger })
    try {
      const { tls } = this.#starter
      const security = await openSecurity(tls, { logger, registry, stopping: stopping.signal })
      const context = {
        ...{ logger, registry, transport: this.#transport, security, ...tracedBy(telemetry) },
        ...{ clock, stopping: stopping.signal, fatal },
      }
      const running = await this.#starter.start(context)
      this.#life = { running, logger, registry, stopping, telemetry }
    } catch (error) {
      // What it has begun beside its start ends with this.
      stopping.abort()
      await telemetry.stop()
      throw error
    }
    logger.info('started')
  }

  /** Switches what it logs, as SIGUSR2 does in a process of its own. */
  switchLogLevel(): void {
    if (!this.#life) return
    const { logger } = this.#life
    logger.level = otherLevel(logger.level, this.#starter.logLevel)
  }

  /** Finishes what is in, then lets go of everything; without effect when it does not run. */
  async stop(): Promise<void> {
    const life = this.#life
    if (!life) return
    this.#life = undefined
    life.stopping.abort()
    await life.running.stop()
    await life.telemetry.stop()
  }
}
