import { setTimeout as pause } from 'node:timers/promises'
import { buildRecord, recordText, signRecord } from '@fractal-lba/agent/record'
import type { Pcs } from '@fractal-lba/pcs'
import { printable } from '@fractal-lba/runtime/text'
import type { Command, Terminal } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure } from '../cli/failure.js'
import { type Answer, type Gateway, getReady, postRecord, readGatewayAddress } from '../cli/gateway.js'
import { endpointOption, TLS_NOTE, timeoutMsFrom, timeoutOption } from '../cli/gateway-options.js'
import { keyFileOption, keyOfFile, readSigningKey } from '../cli/keys.js'
import { readParameters } from '../cli/parameters.js'

const SHARD_DEFAULT = 'pcs-check'
const WAIT_MS_MAX = 3_600_000
const ASK_EVERY_MS = 500
const EVENTS = 64

export const check: Command = {
  name: 'check',
  summary: 'ask a running system whether it does what it should',
  usage: 'check [--endpoint URL] [--wait-ms N] [options]',
  options: [
    endpointOption,
    timeoutOption,
    { name: 'wait-ms', value: 'N', help: 'how long the gateway may take to become ready (0)' },
    { name: 'shard-id', value: 'ID', help: `the shard that the record is of (${SHARD_DEFAULT})` },
    keyFileOption,
  ],
  notes: `In this order: /ready says that submissions are taken; a record of events that never were before is built,
signed and accepted; handed in again, it gets the same verdict, replayed; with another D_hat under the same
signature it is a 401 (left out where PCS_SIGN_ALG is none). It ends at the first that is otherwise. The record
stays in the log and the index as any other.

Signing takes PCS_SIGN_ALG (hmac, ed25519, none) and PCS_HMAC_KEY or PCS_ED25519_PRIV_B64; the budget takes
PCS_ALPHA, PCS_BETA, PCS_GAMMA, PCS_BASE and PCS_D0, which must be the server's.

${TLS_NOTE}

Exit codes: 0 all of it is so, 1 something is not, 2 wrong command line or environment, 3 nobody answered, or it
is not ready: try again later.`,
  async run(given, terminal) {
    const shardId = given.text('shard-id') ?? SHARD_DEFAULT
    const waitMs = given.integer('wait-ms', { min: 0, max: WAIT_MS_MAX }) ?? 0
    const timeoutMs = timeoutMsFrom(given)
    const fileKey = await keyOfFile(given, terminal)
    const { address, key, params } = fromEnvironment(terminal, (env) => ({
      address: readGatewayAddress(given, env),
      key: fileKey ?? readSigningKey(env),
      params: readParameters(env),
    }))
    const gateway = { ...address, timeoutMs }
    await untilReady(gateway, waitMs, terminal)

    const csv = eventsFrom(Date.now() + Math.random())
    const record = buildRecord({ csv, shardId, epoch: 0, seed: 0, params })
    const send = (sent: Pcs): Promise<Answer> => postRecord(gateway, Buffer.from(recordText(sent)))
    const sent = key === undefined ? record : signRecord(record, key)

    const first = await send(sent)
    expected('a new signed record', first, first.status === 200 && !first.replayed, '200')
    terminal.out(`accepted    200, pcs_id ${record.pcs_id}\n`)

    const again = await send(sent)
    const sameVerdict = again.status === 200 && again.replayed && again.body === first.body
    expected('the same record again', again, sameVerdict, '200, replayed, with the same verdict')
    terminal.out('replayed    200, the same verdict\n')

    if (key === undefined) {
      terminal.out('signatures  not checked: PCS_SIGN_ALG is none\n')
      return EXIT.done
    }
    const changed = await send({ ...sent, D_hat: record.D_hat + 0.25 })
    expected('a record with another D_hat under its signature', changed, changed.status === 401, '401')
    terminal.out('refused     401, with another D_hat under the same signature\n')
    return EXIT.done
  },
}

/**
 * Asks until the gateway says that all is well, as long as it may take; then it must at least take submissions.
 * @throws Failure with exit code 3 when it does not
 */
async function untilReady(gateway: Gateway, waitMs: number, terminal: Terminal): Promise<void> {
  const beganMonotonicMs = performance.now()
  for (;;) {
    const found = await readiness(gateway)
    const isLate = performance.now() - beganMonotonicMs >= waitMs
    if ('status' in found && (found.status === 'ready' || isLate)) {
      terminal.out(`ready       ${found.status}\n`)
      return
    }
    if ('obstacle' in found && isLate) throw new Failure(found.obstacle, EXIT.tryLater)
    await pause(ASK_EVERY_MS)
  }
}

async function readiness(
  gateway: Gateway,
): Promise<{ readonly status: string } | { readonly obstacle: string }> {
  try {
    const { status, body } = await getReady(gateway)
    const said = /"status":"(\w+)"/.exec(body)?.[1]
    if (status === 200 && said !== undefined) return { status: said }
    return { obstacle: `the gateway is not ready (${status}): ${printable(body.trim())}` }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { obstacle: error.message }
  }
}

function expected(what: string, answer: Answer, isSo: boolean, wanted: string): void {
  if (isSo) return
  const { status, replayed, body } = answer
  const exitCode = status >= 500 || status === 429 ? EXIT.tryLater : EXIT.refused
  throw new Failure(
    `${what} must get ${wanted}, and got ${status}${replayed ? ', replayed' : ''}\n  ${printable(body.trim())}`,
    exitCode,
  )
}

/** A walk whose rows are as new as their times: its Merkle root, and so its id, was never seen before. */
function eventsFrom(firstMs: number): string {
  const rows = Array.from({ length: EVENTS }, (_, index) => {
    const [x, y, z] = [Math.cos(index / 5), Math.sin(index / 5), index / EVENTS]
    return [((firstMs + index) / 1_000).toFixed(6), ...[x, y, z].map((part) => part.toFixed(6))].join(',')
  })
  return ['timestamp,x,y,z', ...rows, ''].join('\n')
}
