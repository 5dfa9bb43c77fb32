import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pcs } from '@fractal-lba/pcs'
import { printable } from '@fractal-lba/runtime/text'
import { isWalError } from '@fractal-lba/wal'
import { type Added, isOutboxError, type Outbox } from '../outbox/index.js'
import type { WatchedDirectory } from './directory.js'
import { type FileIdentity, type FixedIdentity, identityOf, UnusableFileName } from './file-identity.js'
import {
  NeverShipped,
  type NeverShippedByReason,
  type NeverShippedFiles,
  type NeverShippedReason,
} from './never-shipped.js'
import type { BuildResult, BuildTask } from './record-builder.js'
import { type FileState, Settling, sameState } from './settling.js'

/** What became of a file. `known`: its record was in the outbox before, as after a crash between the two steps. */
export type FileEvent =
  | { readonly result: 'shipped' | 'known'; readonly name: string; readonly added: Added }
  | { readonly result: 'failed'; readonly name: string; readonly why: string }

export interface WatcherOptions {
  readonly directory: WatchedDirectory
  readonly outbox: Outbox
  readonly fixed: FixedIdentity
  /** How long a file must have been left alone to count as complete. */
  readonly settleMs: number
  /** How long one may stay without a newline at its end. */
  readonly unfinishedMs: number
  readonly pollMs: number
  readonly build: (task: BuildTask) => Promise<BuildResult>
  /** The bytes of a record as they are sent: signed, if it is to be. */
  readonly textOf: (record: Pcs) => Uint8Array
  readonly onFile: (event: FileEvent) => void
  /** Called once for each reason, when there have been such files for as long as one may stay unfinished. */
  readonly onNeverShipped: (reason: NeverShippedReason, files: NeverShippedFiles) => void
  /** Called with a sentence when something new keeps files from being shipped, with undefined when that is over. */
  readonly onTrouble: (sentence: string | undefined) => void
}

/** This file cannot be shipped now. */
class FileTrouble extends Error {}

/** No file can be shipped now. */
class Trouble extends Error {}

/**
 * Puts the record of each CSV that appears in a directory into the outbox, then moves the file away. The move
 * comes after the flush, so a crash between the two leaves a file whose record is in the outbox already: it is
 * recognised by its pcs_id and only moved.
 */
export class Watcher {
  readonly #options: WatcherOptions
  readonly #settling = new Settling()
  readonly #stopping = new AbortController()
  /** Files that were shipped, but could not be moved: as they were then. */
  readonly #unmoved = new Map<string, FileState>()
  /** Files whose build was aborted: as they were then. */
  readonly #aborted = new Map<string, FileState>()
  #running: Promise<void> | undefined
  #trouble: string | undefined
  readonly #neverShipped: NeverShipped
  #neverShippedFiles: NeverShippedByReason = {}

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#neverShipped = new NeverShipped(options.unfinishedMs)
  }

  /** What keeps files from being shipped, as a sentence. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Files that are not shipped as long as they are as they are, by the last look. */
  get neverShipped(): NeverShippedByReason {
    return this.#neverShippedFiles
  }

  /** @param onFatal called with an error that is no refusal and no trouble of a file */
  start(onFatal: (error: Error) => void): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      onFatal(error instanceof Error ? error : new Error(String(error)))
    })
  }

  /** Resolves when nothing is under way; a file that is being worked on is finished or left as it was. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#report(await this.#round())
      await sleep(this.#options.pollMs, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }

  /** Looks through the directory once; gives what kept files from being shipped. */
  async #round(): Promise<string | undefined> {
    const { directory, outbox } = this.#options
    try {
      const { names, neverShipped } = await directory.look()
      this.#seeNeverShipped(neverShipped)
      const present = new Set(names)
      this.#settling.keepOnly(present)
      for (const states of [this.#unmoved, this.#aborted]) {
        for (const name of states.keys()) if (!present.has(name)) states.delete(name)
      }
      let trouble: string | undefined
      for (const name of this.#suspectsLast(names)) {
        if (this.#stopping.signal.aborted) return this.#trouble
        // A full outbox is noticed before a record is built in vain.
        if (outbox.refusal !== undefined) return outbox.refusal
        const found = await this.#troubleWith(name)
        trouble ??= found
      }
      return trouble
    } catch (error) {
      if (error instanceof Trouble || isSystemError(error)) return error.message
      throw error
    }
  }

  #seeNeverShipped(found: NeverShippedByReason): void {
    this.#neverShippedFiles = found
    for (const reason of this.#neverShipped.see(found, performance.now())) {
      const files = found[reason]
      if (files) this.#options.onNeverShipped(reason, files)
    }
  }

  /** Ships a file if it is complete. @returns what keeps it from being shipped; the other files are shipped all the same */
  async #troubleWith(name: string): Promise<string | undefined> {
    try {
      const state = await this.#options.directory.state(name)
      if (state) await this.#shipIfComplete(name, state)
      return undefined
    } catch (error) {
      if (error instanceof FileTrouble || isSystemError(error)) return error.message
      throw error
    }
  }

  /** A file that is emptied meanwhile is still to be written: one without events has at least its header. */
  async #shipIfComplete(name: string, state: FileState): Promise<void> {
    const { directory, settleMs, unfinishedMs } = this.#options
    const quietMs = this.#settling.quietMs(name, state, performance.now())
    if (state.sizeBytes === 0 || quietMs === undefined || quietMs < settleMs) return
    if (await directory.endsInNewline(name)) return this.#ship(name, state)
    if (quietMs < unfinishedMs || !(await this.#isStill(name, state))) return
    await this.#fail(
      name,
      `${printable(name)}: its last line has no newline, so half of it may be missing; it has not changed for ${Math.round(quietMs / 1000)} s`,
    )
  }

  async #ship(name: string, state: FileState): Promise<void> {
    const { directory, fixed, build, textOf, onFile } = this.#options
    const unmoved = this.#unmoved.get(name)
    if (unmoved && sameState(unmoved, state)) return this.#move(name)
    const identity = identityOr(name, fixed)
    const path = join(directory.path, name)
    const result: BuildResult =
      typeof identity === 'string'
        ? { kind: 'refused', why: identity }
        : await build({ path, name, identity })
    if (result.kind === 'unreadable') {
      if (this.#stopping.signal.aborted || !(await directory.state(name))) return
      throw new FileTrouble(result.why)
    }
    if (result.kind === 'aborted') return this.#abort(name, state, result.why)
    // The file may still be written to: a file that changed while it was read must settle again.
    if (!(await this.#isStill(name, state))) return
    if (result.kind === 'refused') {
      return this.#fail(name, result.why)
    }
    const added = await this.#add(textOf(result.record))
    const why = this.#refusedBefore(added)
    if (why !== undefined) {
      if (await this.#isStill(name, state)) await this.#fail(name, why)
      return
    }
    onFile({ result: added.known ? 'known' : 'shipped', name, added })
    if (!(await this.#isStill(name, state))) return
    this.#unmoved.set(name, state)
    await this.#move(name)
  }

  /** A file whose build was aborted is tried once more, when the others have had their turn. */
  async #abort(name: string, state: FileState, why: string): Promise<void> {
    const sentence = `${printable(name)}: its build was aborted: ${why}`
    const before = this.#aborted.get(name)
    if (before === undefined || !sameState(before, state)) {
      this.#aborted.set(name, state)
      throw new FileTrouble(`${sentence}; it is tried once more`)
    }
    if (!(await this.#isStill(name, state))) return
    this.#aborted.delete(name)
    await this.#fail(name, `${sentence}, twice`)
  }

  #suspectsLast(names: readonly string[]): readonly string[] {
    const suspect = (name: string): boolean => this.#aborted.has(name)
    return [...names.filter((name) => !suspect(name)), ...names.filter(suspect)]
  }

  /** Moved to done, a file would look as if its record were judged. */
  #refusedBefore({ known, seq, pcsId }: Added): string | undefined {
    const state = known ? this.#options.outbox.bySeq(seq)?.state : undefined
    if (state !== 'dead' && state !== 'conflict') return undefined
    const what = state === 'dead' ? 'was refused' : 'is in conflict with one that came first'
    return `its record (pcs_id ${pcsId}) has been in the outbox before and ${what}: pcs outbox list shows the answer, pcs outbox retry ${seq} sends it again`
  }

  async #fail(name: string, why: string): Promise<void> {
    await this.#options.directory.moveToFailed(name, why)
    this.#options.onFile({ result: 'failed', name, why })
  }

  async #add(record: Uint8Array): Promise<Added> {
    try {
      return await this.#options.outbox.add(record)
    } catch (error) {
      const later = ['out_of_space', 'queue_full'] as const
      if (isOutboxError(error, 'full') || later.some((code) => isWalError(error, code))) {
        throw new Trouble(error instanceof Error ? error.message : String(error))
      }
      throw error
    }
  }

  async #move(name: string): Promise<void> {
    await this.#options.directory.moveToDone(name)
    this.#unmoved.delete(name)
  }

  async #isStill(name: string, state: FileState): Promise<boolean> {
    const now = await this.#options.directory.state(name)
    return now !== undefined && sameState(now, state)
  }

  #report(trouble: string | undefined): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#options.onTrouble(trouble)
  }
}

function identityOr(name: string, fixed: FixedIdentity): FileIdentity | string {
  try {
    return identityOf(name, fixed)
  } catch (error) {
    if (error instanceof UnusableFileName) return `${name}: ${error.message}`
    throw error
  }
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
