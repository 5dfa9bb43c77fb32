import { describe, expect, it } from 'vitest'
import { filler, helms } from './helm.js'
import { over } from './over.js'

// Each wrong value fails the render, with a sentence that says what to do instead.

const RENDERED: readonly (readonly [title: string, values: object, sentence: RegExp])[] = [
  [
    'the old backend',
    { backend: { env: { TOKEN_RATE: '1' } } },
    /backend\.\* .* gateway, verifier, dedup, wal and config\.data/,
  ],
  [
    'the old volumes',
    { gateway: { volumes: [{ name: 'x' }] } },
    /gateway\.volumes is called gateway\.extraVolumes/,
  ],
  [
    'the old volumeMounts',
    { common: { volumeMounts: [] } },
    /common\.volumeMounts is called common\.extraVolumeMounts/,
  ],
  [
    'redis with replicas',
    { redis: { architecture: 'replication' } },
    /redis\.enabled=false with config\.data\.REDIS_ADDR/,
  ],
  ['redis.replica', { redis: { replica: { replicaCount: 2 } } }, /has no replicas.*redis\.enabled=false/],
  [
    'sentinel in the chart',
    { redis: { sentinel: { enabled: true } } },
    /REDIS_SENTINELS and REDIS_SENTINEL_MASTER/,
  ],
  ['a password for Grafana', { grafana: { adminPassword: 'x' } }, /runs no Grafana/],
  ['a volume for Grafana', { grafana: { persistence: { enabled: true } } }, /runs no Grafana/],
  [
    'two indexes in memory',
    { config: { data: { DEDUP_BACKEND: 'memory' } }, dedup: { replicaCount: 2 } },
    /dedup\.replicaCount is 2 with DEDUP_BACKEND=memory/,
  ],
  [
    'an autoscaler for the memory',
    { config: { data: { DEDUP_BACKEND: 'memory' } }, dedup: { autoscaling: { enabled: true } } },
    /dedup\.autoscaling\.enabled with DEDUP_BACKEND=memory/,
  ],
  ['redis without an address', { redis: { enabled: false } }, /DEDUP_BACKEND=redis needs an address/],
  [
    'postgres without a connection',
    { config: { data: { DEDUP_BACKEND: 'postgres' } } },
    /DEDUP_BACKEND=postgres needs a connection.*postgres-conn-secret/,
  ],
  [
    'hmac without a key',
    { secrets: { createSecret: false, signing: { existingSecret: '' } } },
    /PCS_SIGN_ALG=hmac needs a key.*pcs-hmac-secret/,
  ],
  [
    'ed25519 without a key',
    { config: { data: { PCS_SIGN_ALG: 'ed25519' } }, secrets: { signing: { existingSecret: '' } } },
    /PCS_SIGN_ALG=ed25519 needs a public key.*pcs-ed25519-config/,
  ],
  [
    'an agent without its half',
    { config: { data: { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: 'x' } }, agent: { enabled: true } },
    /pcs-ed25519-agent-secret/,
  ],
  ['no algorithm', { config: { data: { PCS_SIGN_ALG: null } } }, /PCS_SIGN_ALG is not set/],
  [
    'none beside keys',
    { config: { data: { PCS_SIGN_ALG: 'none' } }, secrets: { keyRing: { existingSecret: 'x' } } },
    /takes records unsigned, and secrets\.keyRing/,
  ],
  [
    'a generated key without a cluster',
    { secrets: { signing: { existingSecret: '' } } },
    /PCS_HMAC_KEY is generated in the cluster.*secrets\.signing\.existingSecret/,
  ],
  [
    'a generated password without a cluster',
    { redis: { auth: { existingSecret: '' } } },
    /REDIS_PASSWORD is generated in the cluster.*redis\.auth\.existingSecret/,
  ],
  [
    'half of a login',
    { secrets: { metrics: { values: { METRICS_USER: 'ops' } } } },
    /METRICS_USER and METRICS_PASS belong together/,
  ],
  ['no TLS where it must be', { mtls: { required: true } }, /mtls\.required.*INSECURE_LISTEN/],
  [
    'certificates that nobody makes',
    { mtls: { enabled: true, certManager: { enabled: false } } },
    /nobody makes the certificate of gateway/,
  ],
  [
    'an autoscaler for logs',
    { wal: { autoscaling: { enabled: true } } },
    /wal\.autoscaling\.enabled: it has no autoscaler/,
  ],
  [
    'one volume for two logs',
    { wal: { replicaCount: 2, persistence: { existingClaim: 'x' } } },
    /each log needs a volume of its own/,
  ],
  ['more logs than there are', { gateway: { walCount: 2 } }, /gateway\.walCount is 2, and there are 1 logs/],
  [
    'a log without an index',
    { wal: { replicaCount: 2 }, dedup: { walCount: 1 } },
    /gateway\.walCount may not be above dedup\.walCount/,
  ],
  ['a gateway alone', { verifier: { enabled: false } }, /config\.data\.VERIFIER_ADDR/],
  [
    'a budget that keeps nodes',
    { gateway: { podDisruptionBudget: { enabled: true, minAvailable: 1 } } },
    /no node with such a pod could be drained/,
  ],
  [
    'a budget of none',
    { gateway: { podDisruptionBudget: { enabled: true, maxUnavailable: 0 } } },
    /maxUnavailable is 0: no node/,
  ],
  [
    'percents of nothing',
    { gateway: { autoscaling: { enabled: true }, resources: { requests: { cpu: null } } } },
    /gateway\.resources\.requests\.cpu is not set/,
  ],
  [
    'an autoscaler upside down',
    { gateway: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } } },
    /minReplicas 5 is above maxReplicas 2/,
  ],
  [
    'an autoscaler that aims at nothing',
    { gateway: { autoscaling: { enabled: true, targetCPU: null, targetMemory: null } } },
    /gateway\.autoscaling has no target/,
  ],
  [
    'values of a Secret that may not be made',
    { secrets: { createSecret: false, metrics: { values: { METRICS_USER: 'a', METRICS_PASS: 'b' } } } },
    /secrets\.metrics\.existingSecret/,
  ],
  [
    'a generated password of a Secret that may not be made',
    { secrets: { createSecret: false }, redis: { auth: { existingSecret: '' } } },
    /redis\.auth\.existingSecret/,
  ],
  [
    'two passwords for one Redis',
    { secrets: { redis: { existingSecret: 'x' } } },
    /secrets\.redis is for a Redis of yours/,
  ],
  ['a stop that is cut', { config: { data: { STOP_GRACE: '2m' } } }, /ends itself 60 s after/],
  [
    'a pod that is killed before',
    { gateway: { terminationGracePeriodSeconds: 3 } },
    /gateway\.terminationGracePeriodSeconds is 3, and its pods may take 11 s/,
  ],
  ['an ingress to nowhere', { ingress: { enabled: true } }, /set ingress\.hosts/],
  ['routes without a Gateway', { gatewayAPI: { enabled: true } }, /set gatewayAPI\.parentRefs/],
  [
    'a backend of no authority',
    { gatewayAPI: { enabled: true, parentRefs: [{ name: 'x' }], backendTLS: { enabled: true } } },
    /gatewayAPI\.backendTLS\.caConfigMap/,
  ],
  [
    'an ingress that is kept out',
    {
      networkPolicy: { enabled: true },
      ingress: { enabled: true, hosts: [{ host: 'x', paths: [{ path: '/' }] }] },
    },
    /networkPolicy\.allowedNamespaces/,
  ],
  ['a vault without a store', { externalSecrets: { enabled: true } }, /externalSecrets\.secretStoreRef/],
]

/** What the schema refuses, by the place that it names. */
const REFUSED: readonly (readonly [title: string, values: object, place: RegExp])[] = [
  ['a key that nobody knows', { gatway: {} }, /gatway/],
  ['a misspelt key of a component', { gateway: { replicas: 2 } }, /gateway.*replicas/s],
  ['a variable that no program reads', { config: { data: { TOKEN_RAT: '1' } } }, /config.*data.*TOKEN_RAT/s],
  ['a variable of another service', { wal: { env: { TOKEN_RATE: '1' } } }, /wal.*env.*TOKEN_RATE/s],
  ['a port that the chart sets', { gateway: { env: { PORT: '1' } } }, /gateway.*env.*PORT/s],
  ['a key under env', { verifier: { env: { PCS_HMAC_KEY: 'x' } } }, /verifier.*env.*PCS_HMAC_KEY/s],
  ['a password under common.env', { common: { env: { METRICS_PASS: 'x' } } }, /common.*env/s],
  ['a password under redis.env', { redis: { env: { REDIS_PASSWORD: 'x' } } }, /redis.*env/s],
  [
    'a connection in the ConfigMap',
    { config: { data: { POSTGRES_CONN: 'x' } } },
    /config.*data.*POSTGRES_CONN/s,
  ],
  [
    'a password in an address',
    { config: { data: { REDIS_ADDR: 'redis://user:secret@host:6379' } } },
    /config.*data.*REDIS_ADDR/s,
  ],
  [
    'a plain secret in extraEnv',
    { verifier: { extraEnv: [{ name: 'PCS_HMAC_KEY', value: 'x' }] } },
    /verifier.*extraEnv.*valueFrom/s,
  ],
  [
    'an algorithm that there is not',
    { config: { data: { PCS_SIGN_ALG: 'rsa' } } },
    /config.*data.*PCS_SIGN_ALG/s,
  ],
  [
    'a store that there is not',
    { config: { data: { DEDUP_BACKEND: 'mysql' } } },
    /config.*data.*DEDUP_BACKEND/s,
  ],
  ['a log outside of its volume', { config: { data: { WAL_DIR: '/var/wal' } } }, /config.*data.*WAL_DIR/s],
  ['a text for a number', { wal: { replicaCount: 'two' } }, /wal.*replicaCount/s],
  ['no log', { wal: { replicaCount: 0 } }, /wal.*replicaCount/s],
  ['a store of no address', { networkPolicy: { stores: [{ port: 1 }] } }, /networkPolicy.*stores/s],
]

describe.each(helms)('$title', (helm) => {
  describe.skipIf(helm.missing)('is there', () => {
    it.each(RENDERED)('refuses %s with a sentence', async (_, values, sentence) => {
      const { code, stderr } = await helm.template({ values: over(filler, values) })
      expect(code, 'it rendered').not.toBe(0)
      expect(stderr.replace(/\s+/g, ' ')).toMatch(sentence)
    })

    it.each(REFUSED)('refuses %s by its schema', async (_, values, place) => {
      const { code, stderr } = await helm.template({ values: over(filler, values) })
      expect(code, 'it rendered').not.toBe(0)
      expect(stderr).toContain('the schema(s)')
      expect(stderr).toMatch(place)
    })

    it('takes what an umbrella above it sets: global, and enabled', async () => {
      const values = over(filler, { global: { anything: { of: 'others' } }, gateway: { enabled: true } })
      expect((await helm.template({ values })).code).toBe(0)
    })
  })
})
