import { AppError } from '../errors.js'
import { BATCH_ITEMS_MAX } from './limits.js'
import type { MethodDefinition } from './method.js'

/** More than any request has: a batch's number, its items, and their contexts. */
const FIELDS_MAX = 2 * BATCH_ITEMS_MAX + 8

/**
 * A method's decoder that does no work for a message of more parts than one may have, and never throws: what is wrong
 * with the message comes back in its place, because grpc-js would call all of it INTERNAL.
 */
export function guarded({
  requestDeserialize,
}: Pick<MethodDefinition, 'requestDeserialize'>): (bytes: Buffer) => unknown {
  return (bytes) => {
    if (hasMoreFields(bytes, FIELDS_MAX)) {
      return new AppError('too_large', `a message has at most ${FIELDS_MAX} fields`)
    }
    try {
      return requestDeserialize(bytes)
    } catch (cause) {
      return new AppError('malformed', 'the request is not a message of this method', { cause })
    }
  }
}

/** What a guarded decoder gave. @throws AppError too_large or malformed. */
export function demandMessage<Message>(request: Message): Message {
  if (request instanceof AppError) throw request
  return request
}

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Whether a message has more than so many fields of its own. Steps over their contents, and stops at one too many. */
export function hasMoreFields(bytes: Uint8Array, fieldsMax: number): boolean {
  const end = bytes.length
  let at = 0
  for (let count = 0; at < end; count += 1) {
    if (count === fieldsMax) return true
    const type = (bytes[at] ?? 0) & 7
    at = afterVarint(bytes, at)
    if (type === VARINT) at = afterVarint(bytes, at)
    else if (type === LENGTH_DELIMITED) at = afterVarint(bytes, at) + varintAt(bytes, at)
    else if (type === FIXED64) at += 8
    else if (type === FIXED32) at += 4
  }
  return false
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
