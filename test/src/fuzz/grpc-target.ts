import { recordsOf } from '@fractal-lba/gateway'
import { record } from '@fractal-lba/proto'
import { AppError, errorTable } from '@fractal-lba/runtime'
import { guarded } from '@fractal-lba/runtime/message-guard'
import { seededRandom } from '../random.js'
import { judged } from './judged.js'
import { FRONT_METHODS, messageInput, methods } from './messages.js'
import { type FuzzTarget, promised } from './target.js'

const RECORD_BYTES_MAX = 64 * 2 ** 10
const SUBMIT_METHODS = 2

/**
 * Messages of all methods of the gateway and the services: the guard that counts parts, the decoder, and for submissions
 * the strict reading of their records, as grpc-js calls them.
 */
export const grpcTarget: FuzzTarget = {
  name: 'grpc',
  input: (seed) => messageInput(seededRandom(seed), methods.length),
  async feed(input) {
    const index = input[0] ?? 0
    const method = methods[index]
    if (!method) return 'no such method'
    const bytes = input.subarray(1)
    const decoded = guarded(method)(bytes)
    const front = index < FRONT_METHODS ? 'gateway' : 'service'
    if (decoded instanceof AppError) {
      promised(
        decoded.code === 'too_large' || decoded.code === 'malformed',
        'what is no message is malformed or too large',
      )
      return `${front}: ${decoded.code}`
    }
    const again = (message: unknown): Buffer => method.requestSerialize(message as never)
    const encoded = again(decoded)
    promised(
      encoded.equals(again(method.requestDeserialize(encoded))),
      'what was decoded is encoded and decoded to the same',
    )
    if (index >= SUBMIT_METHODS) return `${front}: message`
    // Submit puts what occurs several times together; SubmitBatch takes each for itself.
    const records = recordsOf(bytes)
    const bodies = index === 0 ? [Buffer.concat(records)] : records.slice(0, 8)
    const statuses: number[] = []
    for (const body of bodies) {
      const isTooLarge = body.length > RECORD_BYTES_MAX
      const { status } = isTooLarge
        ? { status: errorTable.too_large.http }
        : await judged(body, record.Encoding.ENCODING_PROTOBUF)
      statuses.push(status)
    }
    return `gateway: ${[...new Set(statuses)].sort().join(' ') || 'no record'}`
  },
}
