import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Values by which the readers come to all of their branches. */
const SIGNING = [{ PCS_SIGN_ALG: 'none' }, { PCS_SIGN_ALG: 'hmac' }, { PCS_SIGN_ALG: 'ed25519' }]
const STORES = [
  { DEDUP_BACKEND: 'memory', DEDUP_WAIVED_LOGS: '127.0.0.1:8082' },
  { DEDUP_BACKEND: 'redis', REDIS_TLS: 'true' },
  { DEDUP_BACKEND: 'redis', REDIS_CLUSTER: 'true' },
  { DEDUP_BACKEND: 'redis', REDIS_SENTINELS: 'a:26379', REDIS_SENTINEL_MASTER: 'main' },
  { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: 'host=a sslmode=verify-full' },
]

/**
 * Runs the readers of all programs over the built files.
 * @param {string} root
 * @returns {Promise<import('./settings.mjs').Settings>} the variables that each program asks for
 */
export async function askedSettings(root) {
  const built = (/** @type {string} */ path) => import(pathToFileURL(join(root, path)).href)
  const [gateway, wal, verifier, dedup, scoring, agent, start, cli] = await Promise.all([
    ...['gateway', 'services/wal', 'services/verifier', 'services/dedup', 'services/signal-scoring'].map(
      (path) => built(`${path}/dist/config.js`),
    ),
    built('packages/agent/dist/run/run.js'),
    built('packages/local/dist/start-config.js'),
    Promise.all(
      ['environment', 'gateway', 'keys', 'parameters', 'outbox-options', 'wal-service-options']
        .concat('dedup-service-options')
        .map((name) => built(`packages/cli/dist/cli/${name}.js`)),
    ).then((modules) => Object.assign({}, ...modules)),
  ])
  const { Env, readWalDirectory } = await built('packages/runtime/dist/index.js')
  /** @typedef {(env: import('@fractal-lba/runtime').Env) => unknown} Reader */
  const asked = (/** @type {readonly object[]} */ sources, /** @type {readonly Reader[]} */ ...readers) => {
    const names = sources.flatMap((source) => {
      const env = new Env(source)
      for (const read of readers) read(env)
      return [...env.asked]
    })
    return new Set(names)
  }
  const noOptions = { text: () => undefined }
  return new Map([
    ['gateway', asked([{}], gateway.readGatewayConfig)],
    ['wal', asked([{}], wal.readWalConfig)],
    ['verifier', asked(SIGNING, verifier.readVerifierConfig)],
    ['dedup', asked(STORES, dedup.readDedupConfig)],
    ['signal-scoring', asked([{}], scoring.readScoringConfig)],
    ['agent', asked([{}], agent.readAgentConfig)],
    ['npm start', asked([{}], (env) => start.readStartConfig(env, root, false))],
    [
      'pcs',
      asked(
        [{}, ...SIGNING],
        ...[cli.readSigningKey, cli.readVerifyingRings, cli.readParameters, cli.readShowsErrors],
        ...[readWalDirectory, cli.readWalAddresses, cli.readDedupAddress],
        (env) => cli.readEndpoint(noOptions, env),
        (env) => cli.readOutboxPlace(noOptions, env),
      ),
    ],
  ])
}
