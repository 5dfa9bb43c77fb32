import type { Endpoints } from './endpoints.js'
import { Lane, type LaneEvents, type LaneParts } from './lane.js'
import type { Endpoint } from './transport.js'

/** Lanes to all servers behind a name: as many as the limit says, or one for each server where there are more. */
export class Lanes {
  readonly #endpoints: Endpoints
  readonly #lanesMin: number
  readonly #parts: LaneParts
  readonly #events: LaneEvents
  /** By address: when it last got a batch, in turns. */
  readonly #turns = new Map<string, number>()
  /** By address: the beginning of the last attempt that did not reach it. Monotonic. */
  readonly #failuresMs = new Map<string, number>()
  readonly #retiring = new Set<Lane>()
  #lanes: Lane[] = []
  #current: readonly Endpoint[] = []
  #turn = 0

  constructor(endpoints: Endpoints, lanesMin: number, parts: LaneParts, events: LaneEvents) {
    this.#endpoints = endpoints
    this.#lanesMin = lanesMin
    this.#parts = parts
    this.#events = events
  }

  /** Whether a batch can be taken now or soon. */
  get isUsable(): boolean {
    if (this.#lanes.length === 0) return this.#endpoints.isAsking
    return this.#lanes.some((lane) => lane.isUsable)
  }

  get isBusy(): boolean {
    return this.#lanes.some((lane) => lane.isBusy) || [...this.#retiring].some((lane) => lane.isBusy)
  }

  /** Opens what is to be open now. */
  keepOpen(nowMs: number): void {
    const endpoints = this.#endpoints.known
    if (endpoints !== this.#current) this.#spread(endpoints)
    for (const lane of this.#lanes) lane.keepOpen(nowMs)
  }

  /** A lane could not be opened. */
  failed({ endpoint: { address }, triedMs }: Lane): void {
    this.#failuresMs.set(address, triedMs)
  }

  /** Whether no server can be reached: each was tried since then. Monotonic. */
  isTried(sinceMs: number): boolean {
    return !this.isUsable && this.#lanes.every((lane) => this.#hasFailed(lane, sinceMs))
  }

  /** Whether a server at another address takes a batch now or soon, or was not tried since then. Monotonic. */
  hasOther(address: string, sinceMs: number): boolean {
    return this.#lanes.some(
      (lane) => lane.endpoint.address !== address && (lane.isUsable || !this.#hasFailed(lane, sinceMs)),
    )
  }

  /** Whether a batch can be taken now or soon by a server at another address. */
  isUsableWithout(address: string): boolean {
    return this.#lanes.some((lane) => lane.isUsable && lane.endpoint.address !== address)
  }

  /** The free lane to the server that has waited longest for a batch, of those that there is work for. */
  take(hasWorkFor: (address: string) => boolean): Lane | undefined {
    let chosen: Lane | undefined
    let chosenTurn = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes) {
      if (!lane.isFree) continue
      const turn = this.#turns.get(lane.endpoint.address) ?? 0
      if (turn < chosenTurn && hasWorkFor(lane.endpoint.address)) {
        chosen = lane
        chosenTurn = turn
      }
    }
    if (chosen) this.#turns.set(chosen.endpoint.address, ++this.#turn)
    return chosen
  }

  /** A lane's batch is back, or lost. */
  done(lane: Lane): void {
    this.#retiring.delete(lane)
  }

  /** Opens all of them anew, each between its batches. */
  reopen(): void {
    for (const lane of this.#lanes) lane.reopen()
  }

  close(): void {
    for (const lane of [...this.#lanes, ...this.#retiring]) lane.close()
  }

  #hasFailed({ endpoint: { address } }: Lane, sinceMs: number): boolean {
    return (this.#failuresMs.get(address) ?? Number.NEGATIVE_INFINITY) >= sinceMs
  }

  #spread(endpoints: readonly Endpoint[]): void {
    this.#current = endpoints
    const total = endpoints.length === 0 ? 0 : Math.max(this.#lanesMin, endpoints.length)
    const kept: Lane[] = []
    for (let place = 0; place < total; place += 1) {
      const endpoint = endpoints[place % endpoints.length]
      if (!endpoint) continue
      const at = this.#lanes.findIndex((lane) => lane.endpoint.address === endpoint.address)
      const [existing] = at < 0 ? [] : this.#lanes.splice(at, 1)
      kept.push(existing ?? new Lane(endpoint, this.#parts, this.#events))
    }
    for (const lane of this.#lanes) {
      if (lane.isBusy) this.#retiring.add(lane)
      lane.retire()
    }
    this.#lanes = kept
    const addresses = new Set(endpoints.map(({ address }) => address))
    for (const known of [this.#turns, this.#failuresMs]) {
      for (const address of known.keys()) if (!addresses.has(address)) known.delete(address)
    }
  }
}
