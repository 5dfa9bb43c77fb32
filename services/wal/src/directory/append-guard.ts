import type { Logger } from '@fractal-lba/runtime'
import type { Guard } from './directory-backend.js'
import { type DiskSpace, diskSpace } from './disk-space.js'

export interface AppendGuardOptions {
  readonly directory: string
  readonly diskLowBytes: number
  /** Why the log itself takes no appends; undefined while it does. */
  readonly logRefusal: () => string | undefined
}

/**
 * Whether the log may take submissions. The disk is looked at every second, so that it is never filled to the brim;
 * the log is asked each time: from the moment at which it has no next segment, what is left of this one is for marks
 * and fences, without which what was finished would be open again after a restart.
 */
export class AppendGuard implements Guard {
  readonly #directory: string
  readonly #lowBytes: number
  readonly #logRefusal: () => string | undefined
  readonly #logger: Logger
  readonly #timer: NodeJS.Timeout
  #space: DiskSpace
  #diskRefusal: string | undefined
  #isRefusing = false

  private constructor(options: AppendGuardOptions, logger: Logger, space: DiskSpace) {
    this.#directory = options.directory
    this.#lowBytes = options.diskLowBytes
    this.#logRefusal = options.logRefusal
    this.#logger = logger
    this.#space = space
    this.#judge()
    this.#timer = setInterval(() => this.#look(), 1000)
  }

  static async watch(options: AppendGuardOptions, logger: Logger): Promise<AppendGuard> {
    return new AppendGuard(options, logger, await diskSpace(options.directory))
  }

  get space(): DiskSpace {
    return this.#space
  }

  get isLow(): boolean {
    return this.#space.freeBytes < this.#lowBytes
  }

  /** Why submissions are refused, and what to do; undefined while they are taken. */
  get refusal(): string | undefined {
    return this.#diskRefusal ?? this.#logRefusal()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    diskSpace(this.#directory).then(
      (space) => {
        this.#space = space
        this.#judge()
      },
      (error: unknown) => {
        this.#diskRefusal = 'the free space of the log directory cannot be read; look at the disk'
        this.#logChange()
        this.#logger.error({ err: error }, 'statfs failed')
      },
    )
  }

  #judge(): void {
    const { freeBytes } = this.#space
    this.#diskRefusal = this.isLow
      ? `the log's disk has ${freeBytes} bytes free, less than WAL_DISK_LOW=${this.#lowBytes}; make room or compact the log`
      : undefined
    this.#logChange()
  }

  #logChange(): void {
    const { refusal } = this
    const isRefusing = refusal !== undefined
    if (isRefusing !== this.#isRefusing) {
      this.#logger.warn(refusal ?? 'there is room again: submissions are taken')
    }
    this.#isRefusing = isRefusing
  }
}
