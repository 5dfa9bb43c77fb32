import {
  type Identity,
  IdentityError,
  type IdentityFiles,
  type IdentitySource,
  readIdentity,
} from './identity.js'

export interface WatchedIdentityOptions {
  /** Between two looks at the files. */
  readonly everyMs: number
  /** Told when the files are no identity any more, once for each reason, and with undefined when they are again. */
  readonly onProblem?: (problem: string | undefined) => void
}

/** A Secret that is being written may show an old certificate beside a new key for a moment. */
const SECOND_LOOK_MS = 200

/**
 * The identity in some files, as they are now. The files are read again and again, because a mounted Secret is
 * swapped by a link, which watching a file does not notice. What is broken is never taken: the last good identity stays.
 */
export class WatchedIdentity implements IdentitySource {
  readonly #files: IdentityFiles
  readonly #options: WatchedIdentityOptions
  readonly #listeners = new Set<(identity: Identity) => void>()
  readonly #timer: NodeJS.Timeout
  #current: Identity
  #problem: string | undefined
  #failures = 0
  #looking: Promise<void> | undefined
  #isClosed = false

  private constructor(files: IdentityFiles, identity: Identity, options: WatchedIdentityOptions) {
    this.#files = files
    this.#current = identity
    this.#options = options
    this.#timer = setInterval(() => void this.look(), options.everyMs)
    this.#timer.unref()
  }

  /** @throws IdentityError */
  static async open(files: IdentityFiles, options: WatchedIdentityOptions): Promise<WatchedIdentity> {
    return new WatchedIdentity(files, await readIdentity(files), options)
  }

  get current(): Identity {
    return this.#current
  }

  /** Why the files are not what is used; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Looks that found no identity, since the start. */
  get failures(): number {
    return this.#failures
  }

  /** Called with each new identity. Returns the way back. */
  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Looks at the files now. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#listeners.clear()
  }

  async #look(): Promise<void> {
    const identity = await this.#read().catch(async (error: unknown) => {
      if (!(error instanceof IdentityError)) throw error
      await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS))
      return this.#read().catch(asProblem)
    })
    if (this.#isClosed) return
    if (typeof identity === 'string') {
      this.#failures += 1
      this.#report(identity)
      return
    }
    this.#report(undefined)
    if (isSame(identity, this.#current)) return
    this.#current = identity
    for (const listener of this.#listeners) listener(identity)
  }

  #read(): Promise<Identity> {
    return readIdentity(this.#files)
  }

  #report(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.onProblem?.(problem)
  }
}

function asProblem(error: unknown): string {
  if (error instanceof IdentityError) return error.message
  throw error
}

function isSame(one: Identity, other: Identity): boolean {
  const isSameCa = one.ca === other.ca || (one.ca && other.ca && one.ca.equals(other.ca))
  return one.cert.equals(other.cert) && one.key.equals(other.key) && Boolean(isSameCa)
}
