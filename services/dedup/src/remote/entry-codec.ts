import { hash } from 'node:crypto'
import type { IndexEntry } from '../store.js'
import { VerdictCodec } from '../verdict-codec.js'

/**
 * The bytes under an id, in every store that several processes share:
 *
 *   1  the version of this form, and 0x01 when the entry is marked
 *   6  expiresAtMs, big-endian
 *   8  the name of the parts that it shares with many others (VerdictCodec): the first bytes of their SHA-256
 *   …  the verdict without those parts
 *
 * The shared parts stand in the store under their own name, so that every process finds them.
 */
const VERSION = 0x10
const MARKED = 0x01
const EXPIRY_AT = 1
const EXPIRY_BYTES = 6
const NAME_AT = EXPIRY_AT + EXPIRY_BYTES
const NAME_BYTES = 8
const HEAD_BYTES = NAME_AT + NAME_BYTES

/** Parts of verdicts, to be found under their name. */
export interface Definition {
  readonly name: Buffer
  readonly value: Buffer
}

export class EntryCodec {
  readonly #verdicts = new VerdictCodec()
  readonly #definitions: Definition[] = []
  readonly #numbers = new Map<string, number>()

  /** @throws RangeError if it is larger than a record may be. */
  encode({ verdict, expiresAtMs, marked }: IndexEntry): {
    readonly value: Buffer
    readonly uses: Definition
  } {
    const { shared, value: rest } = this.#verdicts.encode(verdict)
    const uses = this.#definitions[shared] ?? this.#define(shared)
    const value = Buffer.allocUnsafe(HEAD_BYTES + rest.length)
    value[0] = VERSION | (marked ? MARKED : 0)
    value.writeUIntBE(Math.floor(expiresAtMs), EXPIRY_AT, EXPIRY_BYTES)
    uses.name.copy(value, NAME_AT)
    value.set(rest, HEAD_BYTES)
    return { value, uses }
  }

  /** The name of the definition that these bytes need and that is not known yet. */
  missingDefinition(value: Buffer): Buffer | undefined {
    const name = value.subarray(NAME_AT, HEAD_BYTES)
    return isEntry(value) && !this.#numbers.has(name.toString('latin1')) ? name : undefined
  }

  /** undefined: the bytes are damaged, of a newer version, or need a definition that is not known. */
  decode(pcsId: string, value: Buffer): IndexEntry | undefined {
    const shared = this.#numbers.get(value.toString('latin1', NAME_AT, HEAD_BYTES))
    if (!isEntry(value) || shared === undefined) return undefined
    try {
      const verdict = this.#verdicts.decode(pcsId, { shared, value: value.subarray(HEAD_BYTES) })
      return { verdict, expiresAtMs: expiryOf(value), marked: isMarked(value) }
    } catch {
      // The caller decides what an unreadable entry means.
      return undefined
    }
  }

  /** Takes over a definition of another process, unless it is damaged. */
  learn({ name, value }: Definition): void {
    const key = name.toString('latin1')
    if (this.#numbers.has(key) || !nameFor(value).equals(name)) return
    this.#verdicts.importShared([value.toString('base64')])
    const shared = this.#verdicts.exportShared().length - 1
    this.#definitions[shared] = { name, value }
    this.#numbers.set(key, shared)
  }

  #define(shared: number): Definition {
    const value = Buffer.from(this.#verdicts.exportShared()[shared] ?? '', 'base64')
    const definition = { name: nameFor(value), value }
    this.#definitions[shared] = definition
    this.#numbers.set(definition.name.toString('latin1'), shared)
    return definition
  }
}

export function isEntry(value: Buffer): boolean {
  return value.length > HEAD_BYTES && ((value[0] ?? 0) & ~MARKED) === VERSION
}

export function isMarked(value: Buffer): boolean {
  return ((value[0] ?? 0) & MARKED) !== 0
}

/** Milliseconds since 1970. */
export function expiryOf(value: Buffer): number {
  return value.readUIntBE(EXPIRY_AT, EXPIRY_BYTES)
}

/** A copy that expires at another time. */
export function withExpiry(value: Buffer, expiresAtMs: number, marked: boolean): Buffer {
  const copy = Buffer.from(value)
  copy[0] = VERSION | (marked ? MARKED : 0)
  copy.writeUIntBE(Math.floor(expiresAtMs), EXPIRY_AT, EXPIRY_BYTES)
  return copy
}

/** Whether both hold the same verdict, whenever they expire. */
export function sameVerdict(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && a.compare(b, NAME_AT, b.length, NAME_AT, a.length) === 0
}

function nameFor(value: Buffer): Buffer {
  return hash('sha256', value, 'buffer').subarray(0, NAME_BYTES)
}
