import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Values by which the readers come to all of their branches; each reader runs once with each. */
const SOURCES = [
  {},
  { PCS_SIGN_ALG: 'none' },
  { PCS_SIGN_ALG: 'hmac' },
  { PCS_SIGN_ALG: 'ed25519' },
  { DEDUP_WAIVED_LOGS: '127.0.0.1:8082' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' },
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
  const [{ readStarter }, { backendNames }, agent, start, ...cli] = await Promise.all([
    built('constellation/dist/starters.js'),
    built('services/dedup/dist/backends.js'),
    built('packages/agent/dist/run/run.js'),
    built('packages/local/dist/start-config.js'),
    ...['environment', 'gateway', 'keys', 'parameters', 'outbox-options', 'wal-service-options']
      .concat('dedup-service-options')
      .map((name) => built(`packages/cli/dist/cli/${name}.js`)),
  ])
  const pcs = Object.assign({}, ...cli)
  const { Env, readWalDirectory, serviceNames } = await built('packages/runtime/dist/index.js')
  const sourcesOfAll = [
    ...SOURCES,
    ...backendNames.map((/** @type {string} */ name) => ({ DEDUP_BACKEND: name })),
  ]
  /** @typedef {(env: import('@fractal-lba/runtime').Env) => unknown} Reader */
  const asked = (/** @type {readonly Reader[]} */ ...readers) => {
    const names = sourcesOfAll.flatMap((source) => {
      const env = new Env(source)
      for (const read of readers) read(env)
      return [...env.asked]
    })
    return new Set(names)
  }
  const noOptions = { text: () => undefined }
  return new Map([
    ...serviceNames.map((/** @type {string} */ name) => [name, asked(readStarter[name])]),
    ['agent', asked(agent.readAgentConfig)],
    ['npm start', asked((env) => start.readStartConfig(env, root, false))],
    [
      'pcs',
      asked(
        ...[pcs.readSigningKey, pcs.readVerifyingRings, pcs.readParameters, pcs.readShowsErrors],
        ...[readWalDirectory, pcs.readWalAddresses, pcs.readDedupAddress],
        (env) => pcs.readGatewayAddress(noOptions, env),
        (env) => pcs.readOutboxPlace(noOptions, env),
      ),
    ],
  ])
}
