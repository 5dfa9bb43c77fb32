import { join } from 'node:path'
import { type BriefOf, Checkpoint, CheckpointBuilder } from './checkpoint.js'
import { asError, systemCode } from './errors.js'
import type { WalEvent } from './events.js'
import { type Files, readFully, withFile, writeFully } from './files.js'
import { checkpointName, type LogIdentity, type LogPoint, SEGMENT_HEADER_BYTES } from './format.js'

export interface CheckpointOptions {
  readonly files: Files
  readonly directory: string
  readonly identity: LogIdentity
  /** Undefined: the log has no checkpoints. */
  readonly brief: BriefOf | undefined
  readonly onEvent: (event: WalEvent) => void
}

/** The checkpoints of a log. None of them is ever needed: whatever goes wrong with one, its segment is read. */
export class Checkpoints {
  readonly #options: CheckpointOptions
  #builder: CheckpointBuilder | undefined

  constructor(options: CheckpointOptions) {
    this.#options = options
  }

  /** The frames that are noted from now on are those of another segment, from its first. */
  begin(): void {
    const { brief } = this.#options
    this.#builder = brief && new CheckpointBuilder(brief)
  }

  /** @param bytes that hold an intact frame at `offset` */
  note(bytes: Buffer, offset: number): void {
    this.#builder?.note(bytes, offset)
  }

  /** What was noted, to be saved when its segment is sealed; `begin` must follow. */
  take(): CheckpointBuilder | undefined {
    const builder = this.#builder
    this.#builder = undefined
    return builder
  }

  /** @param end the last record of the segment @param sizeBytes of the segment, which is sealed */
  async save(
    segment: string,
    builder: CheckpointBuilder | undefined,
    end: LogPoint,
    sizeBytes: number,
  ): Promise<void> {
    const { files, directory, identity, onEvent } = this.#options
    const bytes = builder?.encode(identity, end, sizeBytes)
    if (!bytes) return
    const path = join(directory, checkpointName(segment))
    try {
      await unlinkIfThere(files, `${path}.tmp`)
      await withFile(files, `${path}.tmp`, 'create', (file) => writeFully(file, bytes, 0))
      await files.rename(`${path}.tmp`, path)
    } catch (error) {
      onEvent({ type: 'checkpoint_failed', segment, reason: asError(error).message })
    }
  }

  /** A segment in which a reader meets damage is to be read by the next opening, which sets it aside. */
  droppingDamaged(onEvent: (event: WalEvent) => void): (event: WalEvent) => void {
    return (event) => {
      onEvent(event)
      if (event.type !== 'damage_read') return
      const { segment } = event
      this.remove(segment).catch((error: unknown) =>
        onEvent({ type: 'checkpoint_failed', segment, reason: asError(error).message }),
      )
    }
  }

  /** Before a segment is changed or removed, so that nothing is left that speaks of what it was. */
  async remove(segment: string): Promise<void> {
    const { files, directory, brief } = this.#options
    if (brief) await unlinkIfThere(files, join(directory, checkpointName(segment)))
  }

  /** @returns undefined where there is none that is good for the segment as it stands */
  async load(segment: string, before: LogPoint): Promise<Checkpoint | undefined> {
    const { files, directory, identity, brief } = this.#options
    if (!brief) return undefined
    const path = join(directory, checkpointName(segment))
    try {
      const bytes = await withFile(files, path, 'read', async (file) => {
        const all = Buffer.allocUnsafeSlow(await file.size())
        return all.subarray(0, await readFully(file, all, 0))
      })
      const checkpoint = Checkpoint.decode(bytes, identity, before)
      const sizeBytes = await withFile(files, join(directory, segment), 'read', (file) => file.size())
      return sizeBytes === checkpoint?.sizeBytes && sizeBytes > SEGMENT_HEADER_BYTES ? checkpoint : undefined
    } catch {
      return undefined // It cannot be read: the segment can, or says why not.
    }
  }
}

async function unlinkIfThere(files: Files, path: string): Promise<void> {
  try {
    await files.unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
