import { AppError } from '../errors.js'
import { BATCH_ITEMS_MAX } from './limits.js'
import type { MethodDefinition } from './method.js'

/** More than any request has: a batch's number, its items, and their contexts. */
const FIELDS_MAX = 2 * BATCH_ITEMS_MAX + 8
/** More than the items and contexts of any batch have together. */
const ITEM_FIELDS_MAX = BATCH_ITEMS_MAX * (8 + 2)
/** The largest record (BODY_MAX) with its envelope. So few bytes hide no millions of parts at any depth. */
const SINGLE_BYTES_MAX = 2 ** 20 + 64 * 2 ** 10

/** A message that was not taken, in the place of what it would have been. */
export class RefusedMessage extends AppError {
  readonly sizeBytes: number

  constructor(sizeBytes: number, ...error: ConstructorParameters<typeof AppError>) {
    super(...error)
    this.sizeBytes = sizeBytes
  }
}

type Guarded = Pick<MethodDefinition, 'requestStream' | 'requestDeserialize' | 'requestBytesMax'>

/**
 * A method's decoder that does no work for a message of more parts than one may have, and never throws: what is wrong
 * with the message comes back in its place, because grpc-js would call all of it INTERNAL.
 */
export function guarded({
  requestStream,
  requestDeserialize,
  requestBytesMax = SINGLE_BYTES_MAX,
}: Guarded): (bytes: Buffer) => unknown {
  const isTooLarge = requestStream
    ? (bytes: Buffer) => hasMoreFields(bytes, FIELDS_MAX, ITEM_FIELDS_MAX)
    : (bytes: Buffer) => bytes.length > requestBytesMax || hasMoreFields(bytes, FIELDS_MAX)
  const refusal = requestStream
    ? `a message has at most ${FIELDS_MAX} fields, and its items ${ITEM_FIELDS_MAX}`
    : `a message has at most ${FIELDS_MAX} fields and ${requestBytesMax} bytes`
  return (bytes) => {
    if (isTooLarge(bytes)) return new RefusedMessage(bytes.length, 'too_large', refusal)
    try {
      return requestDeserialize(bytes)
    } catch (cause) {
      const sentence = 'the request is not a message of this method'
      return new RefusedMessage(bytes.length, 'malformed', sentence, { cause })
    }
  }
}

/** What a guarded decoder gave. @throws AppError too_large or malformed. */
export function demandMessage<Message>(request: Message): Message {
  if (request instanceof RefusedMessage) throw request
  return request
}

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** The fields of every batch that are messages: `items` and `contexts` have the same numbers in all of them. */
const ITEMS_TAG = (2 << 3) | LENGTH_DELIMITED
const CONTEXTS_TAG = (3 << 3) | LENGTH_DELIMITED

/**
 * Whether a message has more than so many fields of its own. Steps over their contents, but of a batch, whose items and
 * contexts may have itemFieldsMax together; stops at one too many.
 */
export function hasMoreFields(bytes: Uint8Array, fieldsMax: number, itemFieldsMax?: number): boolean {
  return fieldsLeft(bytes, 0, bytes.length, fieldsMax, itemFieldsMax) < 0
}

/** How many more there may be; below 0: there are too many. */
function fieldsLeft(
  bytes: Uint8Array,
  from: number,
  to: number,
  fieldsMax: number,
  itemFieldsMax?: number,
): number {
  let at = from
  let left = fieldsMax
  let leftInItems = itemFieldsMax
  while (at < to) {
    if (left === 0) return -1
    left -= 1
    const tag = bytes[at] ?? 0
    const type = tag & 7
    at = afterVarint(bytes, at)
    if (type === VARINT) at = afterVarint(bytes, at)
    else if (type === LENGTH_DELIMITED) {
      const begin = afterVarint(bytes, at)
      const end = begin + varintAt(bytes, at)
      if (leftInItems !== undefined && (tag === ITEMS_TAG || tag === CONTEXTS_TAG)) {
        leftInItems = fieldsLeft(bytes, begin, Math.min(end, to), leftInItems)
        if (leftInItems < 0) return leftInItems
      }
      at = end
    } else if (type === FIXED64) at += 8
    else if (type === FIXED32) at += 4
  }
  return left
}

function afterVarint(bytes: Uint8Array, at: number): number {
  let next = at
  while ((bytes[next] ?? 0) >= 0x80) next += 1
  return next + 1
}

/** Its lowest 28 bits: a longer one leads beyond the end of any message that is taken. */
function varintAt(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let place = 0; place < 4; place += 1) {
    const byte = bytes[at + place] ?? 0
    value |= (byte & 0x7f) << (7 * place)
    if (byte < 0x80) return value
  }
  return Number.POSITIVE_INFINITY
}
