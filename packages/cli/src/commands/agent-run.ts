import { stat } from 'node:fs/promises'
import { CHUNK_BYTES_DEFAULT, recordText, SCALES_DEFAULT, signRecord } from '@fractal-lba/agent/record'
import type { Env } from '@fractal-lba/runtime/env'
import type { Arguments } from '../cli/arguments.js'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, usageError } from '../cli/failure.js'
import { readGatewayAddress, warnOfPlainHttp } from '../cli/gateway.js'
import { endpointOption, TLS_NOTE, timeoutMsFrom, timeoutOption } from '../cli/gateway-options.js'
import { keyFileOption, keyOfFile, readSigningKey } from '../cli/keys.js'
import { OUTBOX_LIMITS_NOTE, outboxOption, readOutboxDirectory } from '../cli/outbox-options.js'
import { readParameters } from '../cli/parameters.js'
import { INTEGER_MAX, scalesFrom } from '../cli/record-options.js'

const SEED_DEFAULT = 0
const SETTLE_MS_DEFAULT = 2_000
const UNFINISHED_MS_DEFAULT = 30_000
const POLL_MS_DEFAULT = 1_000
const IN_FLIGHT_DEFAULT = 8
const DAY_MS = 86_400_000

export const agentRun: Command = {
  name: 'agent run',
  summary: 'ship each CSV that appears in a directory, for ever',
  usage: 'agent run --watch DIR [--endpoint URL] [options]',
  options: [
    { name: 'watch', value: 'DIR', help: 'where the CSV files appear' },
    endpointOption,
    timeoutOption,
    { name: 'seed', value: 'N', help: `the seed of the directions for coh_star (${SEED_DEFAULT})` },
    { name: 'shard-id', value: 'ID', help: 'the shard of all files, instead of their names' },
    { name: 'epoch', value: 'N', help: 'the epoch of all files, instead of their names' },
    { name: 'scales', value: 'N,N,…', help: `2 to 64 scales (${SCALES_DEFAULT.join(',')})` },
    { name: 'chunk-bytes', value: 'N', help: `bytes in a leaf of the Merkle tree (${CHUNK_BYTES_DEFAULT})` },
    keyFileOption,
    { name: 'settle-ms', value: 'N', help: `how long a file must be left alone (${SETTLE_MS_DEFAULT})` },
    {
      name: 'unfinished-ms',
      value: 'N',
      help: `how long a file may stay without a newline at its end (${UNFINISHED_MS_DEFAULT})`,
    },
    { name: 'poll-ms', value: 'N', help: `how often the directory is looked through (${POLL_MS_DEFAULT})` },
    { name: 'in-flight', value: 'N', help: `records that are under way at once (${IN_FLIGHT_DEFAULT})` },
    outboxOption,
  ],
  notes: `Files: <shard>.<epoch>.csv; the shard may hold dots, and without a number the epoch is 0. A file is taken
when it was seen twice the same, --settle-ms apart, whatever its time stamp says; best is to write it under
another name (one that begins with a dot, or in a directory beside) and to rename it. Empty files are taken
for unwritten ones; one whose last line has no newline is refused after --unfinished-ms. When its record is in the
outbox, on the disk, the file goes to DIR/done. A file of which no record can come goes to DIR/failed, with
NAME.error.txt beside it; so does one of more than CSV_BYTES_MAX (64Mi), and one whose build ends for want of
memory or takes longer than BUILD_TIMEOUT (2m), at the second time. One agent for each directory.

Records: signed with the key of PCS_SIGN_ALG (hmac, ed25519; none for unsigned) and PCS_HMAC_KEY or
PCS_ED25519_PRIV_B64; the budget takes PCS_ALPHA, PCS_BETA, PCS_GAMMA, PCS_BASE and PCS_D0, which must be the
server's.

Sending: until there is a verdict (200 or 202), or a problem document of the gateway's own that settles the
record (400, 401, 409, 413). Anything else (no answer, a 503, a redirection, a page) is tried again: after
what Retry-After asks for, if anything, and then up to RETRY_BASE (500ms), doubled each time up to RETRY_CAP (60s). Killed at any moment, it goes on where it was. pcs outbox list shows all of it.

${TLS_NOTE}

${OUTBOX_LIMITS_NOTE}

METRICS_ADDR (127.0.0.1:9086) serves /metrics, /health and /ready; METRICS_USER and METRICS_PASS guard
/metrics. LOG_LEVEL, STOP_GRACE as for the services.

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 it could not go on, 2 wrong command line or key, 69 something
that it needs is taken, 78 wrong environment.

Example:
  pcs agent run --watch /data/in --outbox /data/outbox --endpoint https://gateway.example`,
  async run(given, terminal) {
    const watchDirectory = given.required('watch')
    if (!(await isDirectory(watchDirectory))) throw usageError(`--watch ${watchDirectory} is no directory`)
    const fileKey = await keyOfFile(given, terminal)
    const { readAgentConfig, startAgent } = await import('@fractal-lba/agent/run')
    const read = (env: Env) => ({
      key: fileKey ?? readSigningKey(env),
      address: readGatewayAddress(given, env),
      params: readParameters(env),
      directory: readOutboxDirectory(given, env),
    })
    const { key, address, params, directory } = fromEnvironment(terminal, read, readAgentConfig)
    warnOfPlainHttp(address.endpoint, terminal)
    const order = {
      watchDirectory,
      outboxDirectory: directory,
      ...address,
      timeoutMs: timeoutMsFrom(given),
      inFlightMax: given.integer('in-flight', { min: 1, max: 256 }) ?? IN_FLIGHT_DEFAULT,
      settleMs: given.integer('settle-ms', { min: 0, max: DAY_MS }) ?? SETTLE_MS_DEFAULT,
      unfinishedMs: given.integer('unfinished-ms', { min: 0, max: DAY_MS }) ?? UNFINISHED_MS_DEFAULT,
      pollMs: given.integer('poll-ms', { min: 10, max: DAY_MS }) ?? POLL_MS_DEFAULT,
      fixed: { shardId: given.text('shard-id'), epoch: given.integer('epoch', { min: 0, max: INTEGER_MAX }) },
      rules: { ...rulesOf(given), params },
      textOf: (record: Parameters<typeof recordText>[0]) =>
        Buffer.from(recordText(key === undefined ? record : signRecord(record, key))),
    }
    const { runProcess } = await import('@fractal-lba/runtime/process')
    await runProcess('agent', readAgentConfig, (config, context) => startAgent(order, config, context))
    return EXIT.done
  },
}

function rulesOf(given: Arguments) {
  const scales = scalesFrom(given)
  const chunkBytes = given.integer('chunk-bytes', { min: 1, max: INTEGER_MAX })
  return {
    seed: given.integer('seed', { min: -INTEGER_MAX, max: INTEGER_MAX }) ?? SEED_DEFAULT,
    ...(scales !== undefined && { scales }),
    ...(chunkBytes !== undefined && { chunkBytes }),
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
