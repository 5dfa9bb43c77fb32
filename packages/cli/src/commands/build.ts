import {
  buildRecord,
  CHUNK_BYTES_DEFAULT,
  CSV_SIZE_BYTES_MAX,
  MalformedCsv,
  recordText,
  SCALES_DEFAULT,
  signRecord,
  UnbuildableRecord,
} from '@fractal-lba/agent/record'
import { MalformedRecord } from '@fractal-lba/pcs'
import type { Arguments } from '../cli/arguments.js'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure, usageError } from '../cli/failure.js'
import { inputName, readInput, STANDARD_STREAM, writeOutput } from '../cli/files.js'
import { keyFileOption, keyOfFile, readSigningKey } from '../cli/keys.js'
import { readParameters } from '../cli/parameters.js'
import { malformed } from '../cli/record-input.js'
import { INTEGER_MAX, SCALES_MAX, scalesFrom } from '../cli/record-options.js'

export const build: Command = {
  name: 'build',
  summary: 'build the record of an event stream from CSV',
  usage: 'build --in FILE --shard-id ID --epoch N --seed N [options]',
  options: [
    {
      name: 'in',
      value: 'FILE',
      help: 'the events, with the header timestamp,x,y,z; - reads standard input',
    },
    { name: 'shard-id', value: 'ID', help: 'the shard that the events belong to' },
    { name: 'epoch', value: 'N', help: 'the epoch that the events belong to' },
    { name: 'seed', value: 'N', help: 'the seed of the directions for coh_star' },
    { name: 'scales', value: 'N,N,…', help: `2 to ${SCALES_MAX} scales (${SCALES_DEFAULT.join(',')})` },
    { name: 'chunk-bytes', value: 'N', help: `bytes in a leaf of the Merkle tree (${CHUNK_BYTES_DEFAULT})` },
    { name: 'attempt', value: 'N', help: 'which attempt at sending this is (1)' },
    { name: 'outbox-seq', value: 'N', help: 'the number in the agent’s outbox (0)' },
    { name: 'sent-at', value: 'TIME', help: 'RFC 3339, such as 2026-01-01T00:00:00Z (now)' },
    { name: 'sign', help: 'sign the record with the key of the environment' },
    keyFileOption,
    { name: 'out', value: 'FILE', help: 'where the record goes (-, standard output)' },
  ],
  notes: `The same events, options and --sent-at give the same record, byte for byte; only r and budget
depend on the build of zlib. The budget is computed with PCS_ALPHA, PCS_BETA, PCS_GAMMA,
PCS_BASE and PCS_D0, which must be the server's.

Signing takes PCS_SIGN_ALG (hmac, ed25519, none) and PCS_HMAC_KEY or PCS_ED25519_PRIV_B64.

Examples:
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --out record.json
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign | pcs submit --in -`,
  async run(given, terminal) {
    const path = given.required('in')
    const options = optionsOf(given)
    if (given.text('key-file') !== undefined && !given.has('sign')) {
      throw usageError('--key-file is for --sign: give both')
    }
    const fileKey = given.has('sign') ? await keyOfFile(given, terminal) : undefined
    const { key, params } = fromEnvironment(terminal, (env) => ({
      key: given.has('sign') ? (fileKey ?? readSigningKey(env)) : undefined,
      params: readParameters(env),
    }))
    const csv = await readInput(path, CSV_SIZE_BYTES_MAX, terminal)
    const record = explained(() => buildRecord({ ...options, csv, file: inputName(path), params }))
    const signed = key === undefined ? record : signRecord(record, key)
    await writeOutput(given.text('out') ?? STANDARD_STREAM, `${recordText(signed)}\n`, terminal)
    return EXIT.done
  },
}

function optionsOf(given: Arguments) {
  const sentAt = given.text('sent-at')
  const scales = scalesFrom(given)
  const chunkBytes = given.integer('chunk-bytes', { min: 1, max: INTEGER_MAX })
  const attempt = given.integer('attempt', { min: 1, max: INTEGER_MAX })
  const outboxSeq = given.integer('outbox-seq', { min: 0, max: INTEGER_MAX })
  return {
    shardId: given.required('shard-id'),
    epoch: given.requiredInteger('epoch', { min: 0, max: INTEGER_MAX }),
    seed: given.requiredInteger('seed', { min: -INTEGER_MAX, max: INTEGER_MAX }),
    ...(scales !== undefined && { scales }),
    ...(chunkBytes !== undefined && { chunkBytes }),
    ...(attempt !== undefined && { attempt }),
    ...(outboxSeq !== undefined && { outboxSeq }),
    ...(sentAt !== undefined && { sentAt }),
  }
}

function explained<Result>(make: () => Result): Result {
  try {
    return make()
  } catch (error) {
    if (error instanceof MalformedRecord) throw malformed('no valid record comes of these options', error)
    if (error instanceof MalformedCsv || error instanceof UnbuildableRecord || error instanceof RangeError) {
      throw new Failure(error.message, EXIT.refused, { cause: error })
    }
    throw error
  }
}
