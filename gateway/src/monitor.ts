import type { dedup, wal } from '@fractal-lba/proto'
import {
  type AppError,
  type Dependency,
  type DependencyState,
  type Logger,
  type ReadyReport,
  unavailable,
} from '@fractal-lba/runtime'
import type { DedupClient } from './clients/dedup.js'
import type { WalClient } from './clients/wal.js'

const POLL_MS = 1_000
/** Who does not answer in this time counts as down until the next look. Shorter than a probe of /ready may take. */
const LOOK_MS = 500

export interface Watched {
  readonly wals: readonly WalClient[]
  readonly dedup: DedupClient
  /** Resolve to whether the service says that it is serving. */
  readonly verifier: (timeoutMs: number) => Promise<boolean>
  readonly scoring: (timeoutMs: number) => Promise<boolean>
}

/** As the last look has found all of it. */
export interface MonitorView {
  readonly dependencies: ReadyReport['dependencies']
  /** Each under its name in the dependencies; without a state it could not be asked. */
  readonly logs: readonly { readonly name: string; readonly state: wal.GetStateResponse | undefined }[]
  /** Undefined: dedup could not be asked. */
  readonly index: dedup.GetStateResponse | undefined
}

/**
 * What the gateway knows of the services behind it, looked at every second, when somebody asks for it and when a
 * submission could not be finished: for /ready, for the admission of new
 * submissions, and for replay, which waits until all are there.
 */
export class Monitor {
  readonly #watched: Watched
  readonly #logger: Logger
  readonly #logs = new Map<string, wal.GetStateResponse | undefined>()
  readonly #timer: NodeJS.Timeout
  #index: dedup.GetStateResponse | undefined
  #verifier = false
  #scoring = false
  #draining = false
  #looking: Promise<void> | undefined
  #nextLook: Promise<void> | undefined
  #onLook: () => void = () => undefined
  #status: ReadyReport['status'] = 'not_ready'

  constructor(watched: Watched, logger: Logger) {
    this.#watched = watched
    this.#logger = logger
    for (const { address } of watched.wals) this.#logs.set(address, undefined)
    this.#timer = setInterval(() => this.look(), POLL_MS)
  }

  /** @param onLook called after each look, and when it drains */
  follow(onLook: () => void): void {
    this.#onLook = onLook
    onLook()
  }

  /**
   * Asks all; resolves when each has answered or had its time. One look goes at a time: who comes meanwhile gets the
   * next one, with all others who came, so that nothing is answered that is older than its question.
   */
  look(): Promise<void> {
    if (!this.#looking) {
      this.#looking = this.#ask().finally(() => {
        this.#looking = undefined
      })
      return this.#looking
    }
    this.#nextLook ??= this.#looking.then(() => {
      this.#nextLook = undefined
      return this.look()
    })
    return this.#nextLook
  }

  async #ask(): Promise<void> {
    const { wals, dedup, verifier, scoring } = this.#watched
    const orNothing = async <T>(state: Promise<T>): Promise<T | undefined> => state.catch(() => undefined)
    await Promise.all([
      ...wals.map(async (wal) => this.#logs.set(wal.address, await orNothing(wal.state(LOOK_MS)))),
      orNothing(dedup.state(LOOK_MS)).then((state) => {
        this.#index = state
      }),
      verifier(LOOK_MS).then((serving) => {
        this.#verifier = serving
      }),
      scoring(LOOK_MS).then((serving) => {
        this.#scoring = serving
      }),
    ])
    this.#sayChange()
    this.#onLook()
  }

  drain(): void {
    this.#draining = true
    this.#onLook()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Whether a submission that got into the log could be finished now, a new id too. */
  get complete(): boolean {
    return this.#verifier && this.#scoring && this.#index?.answers === true && this.#index.takesPuts
  }

  /**
   * How well a log suits the next submission, as far as is known. 0: it takes none, or says nothing. 1: it takes them.
   * 2: it takes their marks too, because the index that answers has fenced it.
   */
  suitability(address: string): 0 | 1 | 2 {
    const log = this.#logs.get(address)
    if (!log?.takesAppends) return 0
    const index = this.#index
    return index?.answers && log.generation === index.generation ? 2 : 1
  }

  /**
   * Why there is no room for a new submission: every log refuses. An index that may not remember more is no reason: it
   * answers duplicates, and refuses new ids when they are put.
   */
  get refusal(): AppError | undefined {
    const states = [...this.#logs.values()]
    const full = states.find((state) => state && !state.takesAppends)
    if (full && states.every((state) => state && !state.takesAppends)) return unavailable(full.refusal)
    return undefined
  }

  view(): MonitorView {
    const logs = [...this.#logs].map(([address, state]) => ({ name: this.#nameOf(address), state }))
    return { dependencies: this.#dependencies(), logs, index: this.#index }
  }

  /** How many submissions have no mark, in all logs; undefined where a log could not be asked. */
  get openCount(): number | undefined {
    let count = 0
    for (const state of this.#logs.values()) {
      if (!state) return undefined
      count += state.openCount
    }
    return count
  }

  report(): ReadyReport {
    const dependencies = this.#dependencies()
    if (this.#draining) return { status: 'not_ready', detail: 'draining', dependencies }
    const takesAppends = [...this.#logs.values()].some((state) => state?.takesAppends)
    if (!takesAppends) return { status: 'not_ready', detail: 'no log takes appends', dependencies }
    const allUp = Object.values(dependencies).every(({ state }) => state === 'up')
    return { status: allUp ? 'ready' : 'degraded', dependencies }
  }

  #dependencies(): Record<string, Dependency> {
    const dependencies: Record<string, Dependency> = {}
    for (const [address, state] of this.#logs) {
      const name = this.#nameOf(address)
      if (!state) dependencies[name] = { state: 'down' }
      else if (state.takesAppends) dependencies[name] = { state: 'up' }
      else dependencies[name] = { state: refusingState(state), detail: state.refusal }
    }
    dependencies.verifier = { state: this.#verifier ? 'up' : 'down' }
    dependencies.dedup = { state: this.#index ? 'up' : 'down' }
    dependencies.store = storeState(this.#index)
    dependencies.scoring = { state: this.#scoring ? 'up' : 'down' }
    return dependencies
  }

  #nameOf(address: string): string {
    return this.#logs.size === 1 ? 'wal' : `wal ${address}`
  }

  #sayChange(): void {
    const { status, dependencies } = this.report()
    if (status !== this.#status) this.#logger.info({ dependencies }, `${this.#status} -> ${status}`)
    this.#status = status
  }
}

function refusingState({ draining, retired }: wal.GetStateResponse): DependencyState {
  if (retired) return 'retired'
  return draining ? 'draining' : 'full'
}

function storeState(index: dedup.GetStateResponse | undefined): Dependency {
  if (!index) return { state: 'unknown' }
  if (index.storeDown) return { state: 'down', detail: index.refusal }
  if (!index.answers) return { state: 'filling', detail: index.refusal }
  if (!index.takesPuts) return { state: 'full', detail: index.refusal }
  return { state: 'up' }
}
