import type { PeerClock } from './clock-rule.js'

/** A process's clock, as it tells it with a call or an answer. */
export interface ClockReading {
  /** Wall time by the clock that it uses, milliseconds since 1970. */
  readonly nowMs: number
  readonly hostId: string
  /** Another one for each life of a process. */
  readonly processId: string
  /** Of the service: a later life has the same. */
  readonly service: string
}

interface Seen extends PeerClock {
  readonly service: string
  readonly atMs: number
}

/** A process that others have outlived by so long is gone. A long fill, during which dedup asks no log, is shorter. */
const GONE_MS = 3_600_000
/** A process that is silent for so long, while another one of its service on its host is not, is gone. */
const REPLACED_MS = 5_000
const PEERS_MAX = 64

/** The clocks of other processes, each as it was last seen. Times here are monotonic. */
export class PeerClocks {
  readonly #seen = new Map<string, Seen>()

  /** @param ownNowMs this process's clock at the middle of the call */
  note({ nowMs, hostId, processId, service }: ClockReading, ownNowMs: number, atMs: number): void {
    // The newest is the last one.
    this.#seen.delete(processId)
    this.#seen.set(processId, { hostId, service, aheadMs: nowMs - ownNowMs, atMs })
    for (const [id, seen] of this.#seen) {
      const isReplaced = id !== processId && seen.hostId === hostId && seen.service === service
      const silentMs = atMs - seen.atMs
      if (silentMs > (isReplaced ? REPLACED_MS : GONE_MS)) this.#seen.delete(id)
    }
    for (const id of this.#seen.keys()) {
      if (this.#seen.size <= PEERS_MAX) break
      this.#seen.delete(id)
    }
  }

  /** When none is seen any more, the last ones still count: silence confirms nothing. */
  get list(): readonly PeerClock[] {
    return [...this.#seen.values()]
  }

  /** This process's clock has been moved. */
  shift(byMs: number): void {
    for (const [id, seen] of this.#seen) this.#seen.set(id, { ...seen, aheadMs: seen.aheadMs - byMs })
  }
}

const READING = /^(\d{1,16});([0-9a-zA-Z-]{1,64});([0-9a-zA-Z-]{1,64});([0-9a-z-]{0,32})$/

/** As it travels in a call's metadata. */
export function clockText({ nowMs, hostId, processId, service }: ClockReading): string {
  return `${Math.round(nowMs)};${hostId};${processId};${service}`
}

/** undefined: it is none. */
export function readClockText(text: unknown): ClockReading | undefined {
  const [, nowMs, hostId, processId, service = ''] = (typeof text === 'string' && READING.exec(text)) || []
  if (nowMs === undefined || hostId === undefined || processId === undefined) return undefined
  return { nowMs: Number(nowMs), hostId, processId, service }
}
