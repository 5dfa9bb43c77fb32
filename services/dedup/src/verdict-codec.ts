import { bytesOfVerdict, record } from '@fractal-lba/proto'
import type { StoredVerdict } from './store.js'
import { sameMessage } from './verdict.js'

/** Longest encoded verdict: its length fits into 16 bits in every store. */
const VALUE_BYTES_MAX = 0x7fff

/** A verdict as the stores keep it, without its id: about 80 bytes. */
export interface EncodedVerdict {
  /** Names the parts that it has in common with a great many others. */
  readonly shared: number
  readonly value: Uint8Array
}

interface SharedParts {
  readonly keyId: string
  readonly parameters: record.Parameters
  /** outcome.params */
  readonly params: string
  /** origin.logId */
  readonly logId: string
}

/**
 * Encodes verdicts compactly: the key, the parameters and the log, more than half of a verdict and nearly always
 * the same, are kept once and named by a number; the rest is the protobuf message without them, so that what the
 * message gains later is kept as well.
 */
export class VerdictCodec {
  readonly #shared: SharedParts[] = []
  readonly #numbers = new Map<string, number[]>()

  /** @throws RangeError if it is larger than a record may be. */
  encode(verdict: StoredVerdict): EncodedVerdict {
    const { outcome, origin } = verdict
    const value = bytesOfVerdict({
      ...verdict,
      outcome: { ...outcome, pcsId: '', params: '' },
      keyId: '',
      parameters: undefined,
      origin: { logId: '', sequence: origin.sequence },
    })
    if (value.length > VALUE_BYTES_MAX) throw new RangeError('a verdict is larger than a record may be')
    return { shared: this.#numberOf(sharedOf(verdict)), value }
  }

  /** @param value copied, it may change afterwards. @throws Error if the bytes are not of this codec. */
  decode(pcsId: string, { shared, value }: EncodedVerdict): StoredVerdict {
    const common = this.#shared[shared]
    const verdict = record.Verdict.decode(value)
    const { outcome, origin } = verdict
    if (!common || !outcome || !origin) throw new Error('a stored verdict is damaged')
    outcome.pcsId = pcsId
    outcome.params = common.params
    origin.logId = common.logId
    return Object.assign(verdict, { outcome, origin, keyId: common.keyId, parameters: common.parameters })
  }

  /** What the numbers mean, as texts in their order: for a snapshot. */
  exportShared(): string[] {
    return this.#shared.map((parts) => bytesOfVerdict(toVerdict(parts)).toString('base64'))
  }

  /** Takes over what exportShared gave, into a codec that has encoded nothing yet. */
  importShared(texts: readonly string[]): void {
    for (const text of texts) {
      const { outcome, parameters, origin, keyId } = record.Verdict.decode(Buffer.from(text, 'base64'))
      if (!outcome || !parameters || !origin) throw new RangeError('shared parts of verdicts are damaged')
      this.#add({ keyId, parameters, params: outcome.params, logId: origin.logId })
    }
  }

  #numberOf(parts: SharedParts): number {
    // The hash in params should name the parameters alone; it is not relied on.
    for (const number of this.#numbers.get(nameOf(parts)) ?? []) {
      const known = this.#shared[number]
      if (known && sameMessage(known, parts)) return number
    }
    return this.#add(parts)
  }

  #add(parts: SharedParts): number {
    const number = this.#shared.push(parts) - 1
    const name = nameOf(parts)
    const numbers = this.#numbers.get(name)
    if (numbers) numbers.push(number)
    else this.#numbers.set(name, [number])
    return number
  }
}

function sharedOf({ keyId, parameters, outcome, origin }: StoredVerdict): SharedParts {
  return { keyId, parameters, params: outcome.params, logId: origin.logId }
}

function nameOf({ keyId, params, logId }: SharedParts): string {
  return `${logId} ${params} ${keyId}`
}

function toVerdict({ keyId, parameters, params, logId }: SharedParts): record.Verdict {
  return {
    ...emptyVerdict(),
    outcome: { ...record.Outcome.decode(new Uint8Array()), params },
    keyId,
    parameters,
    origin: { logId, sequence: 0 },
  }
}

function emptyVerdict(): record.Verdict {
  return record.Verdict.decode(new Uint8Array())
}
