/** What is fuzzed: inputs that belong to seeds, and who reads them. */
export interface FuzzTarget {
  readonly name: string
  /** The input of a seed: always the same bytes. */
  readonly input: (seed: number) => Buffer
  /**
   * Reads it as the product does.
   * @returns in a word or two what came of it, to be counted
   * @throws BrokenPromise, or whatever else the product threw
   */
  readonly feed: (input: Buffer) => Promise<string> | string
}

/** An input was answered in a way that the contract does not know. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

/** @throws BrokenPromise with what was promised */
export function promised(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new BrokenPromise(promise)
}

/** Where a gateway answers. */
export interface Place {
  /** On this machine's loopback. */
  readonly httpPort: number
  readonly grpcAddress: string
}

/** Inputs that are sent to a gateway. */
export interface SocketTarget {
  readonly name: string
  /** How many are under way at once. */
  readonly parallel: number
  readonly input: (seed: number) => Buffer
  readonly open: (place: Place) => {
    /** As `feed`. */
    readonly send: (input: Buffer) => Promise<string>
    readonly close: () => void
  }
}
