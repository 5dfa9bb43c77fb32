import { isAbsolute } from 'node:path'

export interface WatchedOptions {
  /** Between two looks at the files. */
  readonly everyMs: number
  /** Told when what is in the files is of no use, once for each reason, and with undefined when it is again. */
  readonly onProblem?: (problem: string | undefined) => void
}

export interface Source<Value> {
  /** @throws FileError when what is there is of no use */
  readonly read: () => Promise<Value>
  readonly isSame: (one: Value, other: Value) => boolean
}

/** What is in the files is of no use: the sentence says which and why, and quotes nothing of what is in them. */
export class FileError extends Error {
  override readonly name = 'FileError'
}

const NOT_THERE = new Set(['ENOENT', 'ENAMETOOLONG', 'ENOTDIR'])

/**
 * That a file cannot be read. Where there is none, and its name does not begin at the root, the name stays out: perhaps
 * somebody has set the variable to the key itself.
 */
export function unreadable(file: string, error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  const isName = isAbsolute(file) || !NOT_THERE.has(code)
  return new FileError(`${isName ? file : 'a file whose name is not absolute'} cannot be read: ${code}`)
}

/** A Secret that is being written may show an old certificate beside a new key for a moment. */
const SECOND_LOOK_MS = 200

/**
 * What is in some files, as it is now. They are read again and again, because a mounted Secret is swapped by a link,
 * which watching a file does not notice. What is of no use is never taken: the last good value stays.
 */
export class Watched<Value> {
  readonly #source: Source<Value>
  readonly #options: WatchedOptions
  readonly #listeners = new Set<(value: Value) => void>()
  readonly #timer: NodeJS.Timeout
  #current: Value
  #problem: string | undefined
  #looking: Promise<void> | undefined
  #isClosed = false

  private constructor(source: Source<Value>, current: Value, options: WatchedOptions) {
    this.#source = source
    this.#current = current
    this.#options = options
    this.#timer = setInterval(() => void this.look(), options.everyMs)
    this.#timer.unref()
  }

  /** @throws FileError */
  static async open<Value>(source: Source<Value>, options: WatchedOptions): Promise<Watched<Value>> {
    return new Watched(source, await source.read(), options)
  }

  get current(): Value {
    return this.#current
  }

  /** Why the files are not what is used; undefined when they are. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Called with each new value. Returns the way back. */
  onChange(listener: (value: Value) => void): () => void {
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
    const seen = await this.#readTwice()
    if (this.#isClosed) return
    this.#report(seen instanceof FileError ? seen.message : undefined)
    if (seen instanceof FileError || this.#source.isSame(seen, this.#current)) return
    this.#current = seen
    for (const listener of this.#listeners) listener(seen)
  }

  async #readTwice(): Promise<Value | FileError> {
    const seen = await this.#read()
    if (!(seen instanceof FileError)) return seen
    await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS))
    return this.#read()
  }

  async #read(): Promise<Value | FileError> {
    try {
      return await this.#source.read()
    } catch (error) {
      // Whatever it is, the last good value serves on, and somebody is told.
      return error instanceof FileError ? error : new FileError(`the files cannot be read: ${String(error)}`)
    }
  }

  #report(problem: string | undefined): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.onProblem?.(problem)
  }
}
