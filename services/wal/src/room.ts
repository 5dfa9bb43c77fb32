import { type Logger, unavailable } from '@fractal-lba/runtime'
import { type DiskSpace, diskSpace } from './disk.js'

export interface RoomOptions {
  readonly directory: string
  readonly diskLowBytes: number
  /** What the log itself says; undefined while it takes appends. */
  readonly logRefusal: () => string | undefined
}

/** Whether the log may take submissions: looked at every second, so that a disk is never filled to the brim. */
export class Room {
  readonly #directory: string
  readonly #lowBytes: number
  readonly #logRefusal: () => string | undefined
  readonly #logger: Logger
  readonly #timer: NodeJS.Timeout
  #space: DiskSpace
  #refusal: string | undefined

  private constructor(options: RoomOptions, logger: Logger, space: DiskSpace) {
    this.#directory = options.directory
    this.#lowBytes = options.diskLowBytes
    this.#logRefusal = options.logRefusal
    this.#logger = logger
    this.#space = space
    this.#judge()
    this.#timer = setInterval(() => this.#look(), 1000)
  }

  static async watch(options: RoomOptions, logger: Logger): Promise<Room> {
    return new Room(options, logger, await diskSpace(options.directory))
  }

  get space(): DiskSpace {
    return this.#space
  }

  get isLow(): boolean {
    return this.#space.freeBytes < this.#lowBytes
  }

  /** Why submissions are refused, and what to do; undefined while there is room. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** @throws AppError unavailable while there is no room. */
  demand(): void {
    if (this.#refusal !== undefined) throw unavailable(this.#refusal)
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
        this.#refuse('the free space of the log directory cannot be read; look at the disk')
        this.#logger.error({ err: error }, 'statfs failed')
      },
    )
  }

  #judge(): void {
    const { freeBytes } = this.#space
    this.#refuse(
      this.isLow
        ? `the log's disk has ${freeBytes} bytes free, less than WAL_DISK_LOW=${this.#lowBytes}; make room or compact the log`
        : this.#logRefusal(),
    )
  }

  #refuse(refusal: string | undefined): void {
    if ((refusal === undefined) !== (this.#refusal === undefined)) {
      this.#logger.warn(refusal ?? 'there is room again: submissions are taken')
    }
    this.#refusal = refusal
  }
}
