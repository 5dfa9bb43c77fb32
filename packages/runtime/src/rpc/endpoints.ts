import { ResolvedName, type ResolvedNameOptions } from './resolved-name.js'
import type { Endpoint } from './transport.js'

/** The servers behind a name, or behind several: each once. */
export class Endpoints {
  readonly #names: readonly ResolvedName[]
  readonly #listeners = new Set<() => void>()
  #known: readonly Endpoint[]

  /** @param isKnown whether the transport knows a name, so that nothing is to be resolved */
  constructor(names: readonly string[], isKnown: (name: string) => boolean, options: ResolvedNameOptions) {
    const onAnswer = (): void => {
      this.#known = this.#all()
      for (const listener of this.#listeners) listener()
    }
    this.#names = names.map((name) => new ResolvedName(name, isKnown(name), options, onAnswer))
    this.#known = this.#all()
  }

  /** What is known now; asks again in the background when that is due. */
  get known(): readonly Endpoint[] {
    for (const name of this.#names) name.askWhenDue()
    return this.#known
  }

  /** Whether a first answer is still awaited. */
  get isAsking(): boolean {
    return this.#names.some(({ asking }) => asking !== undefined)
  }

  /** Why no server may be asked although a name has addresses; undefined where nothing is wrong. */
  get refusal(): string | undefined {
    return this.#names.map(({ refusal }) => refusal).find((refusal) => refusal !== undefined)
  }

  /** The servers, after the first answer. Empty: no name can be resolved. */
  async first(): Promise<readonly Endpoint[]> {
    if (this.known.length === 0) await Promise.all(this.#names.map(({ asking }) => asking))
    return this.#known
  }

  /** Something has changed there, a server drains for instance: asks again now. */
  refresh(): void {
    for (const name of this.#names) name.refresh()
  }

  /** Called when an answer has come, whether it differs or not. */
  onAnswer(listener: () => void): void {
    this.#listeners.add(listener)
  }

  #all(): readonly Endpoint[] {
    const all = new Map<string, Endpoint>()
    for (const endpoint of this.#names.flatMap(({ known }) => known)) {
      if (!all.has(endpoint.address)) all.set(endpoint.address, endpoint)
    }
    return [...all.values()]
  }
}
