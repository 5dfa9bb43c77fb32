import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMON, COMPONENTS, undocumented, type Value, valuesOf } from '../../../scripts/chart/values.mjs'
import { chart, eachOf, filler, helms } from './helm.js'
import { over } from './over.js'

// Every value is documented, and changes what is rendered: one that does not would promise something.

const values = valuesOf(readFileSync(join(chart, 'values.yaml'), 'utf8'))

/** What must be on for a value to matter, by the beginning of its path; the longest that fits counts. */
const NEEDS: Readonly<Record<string, object>> = {
  'config.existingConfigMap': {},
  'secrets.signing.values': { secrets: { signing: { existingSecret: '' } } },
  'secrets.agent': { agent: { enabled: true } },
  'secrets.agent.keys': { agent: { enabled: true }, secrets: { agent: { existingSecret: 'mine' } } },
  'secrets.metrics.keys': { secrets: { metrics: { existingSecret: 'mine' } } },
  'secrets.redis': { redis: { enabled: false }, config: { data: { REDIS_ADDR: 'a:6379' } } },
  'secrets.redis.keys': {
    redis: { enabled: false },
    config: { data: { REDIS_ADDR: 'a:6379' } },
    secrets: { redis: { existingSecret: 'mine' } },
  },
  'secrets.postgres': { config: { data: { DEDUP_BACKEND: 'postgres' } }, postgresql: { enabled: true } },
  'secrets.postgres.keys': {
    config: { data: { DEDUP_BACKEND: 'postgres' } },
    secrets: { postgres: { existingSecret: 'mine' } },
  },
  'secrets.keyRing.key': { secrets: { keyRing: { existingSecret: 'mine' } } },
  mtls: { mtls: { enabled: true } },
  'mtls.enabled': {},
  networkPolicy: { networkPolicy: { enabled: true, allowedNamespaces: ['front'] } },
  'networkPolicy.enabled': {},
  prometheus: { prometheus: { enabled: true } },
  'prometheus.enabled': {},
  'prometheus.podAnnotations': {},
  'prometheus.probe': { prometheus: { enabled: true, probe: { enabled: true } } },
  'prometheus.probe.enabled': { prometheus: { enabled: true } },
  grafana: { grafana: { enabled: true } },
  'grafana.enabled': {},
  runbookBaseUrl: { prometheus: { enabled: true } },
  dashboardBaseUrl: { prometheus: { enabled: true } },
  ingress: ingressWith({}),
  'ingress.enabled': ingressWith({ enabled: false }),
  gatewayAPI: { gatewayAPI: { enabled: true, parentRefs: [{ name: 'public' }] } },
  'gatewayAPI.enabled': { gatewayAPI: { parentRefs: [{ name: 'public' }] } },
  'gatewayAPI.backendTLS': {
    gatewayAPI: {
      enabled: true,
      parentRefs: [{ name: 'public' }],
      backendTLS: { enabled: true, caConfigMap: 'authority' },
    },
  },
  'gatewayAPI.backendTLS.enabled': {
    gatewayAPI: { enabled: true, parentRefs: [{ name: 'public' }], backendTLS: { caConfigMap: 'authority' } },
  },
  externalSecrets: {
    externalSecrets: {
      enabled: true,
      secretStoreRef: { name: 'vault', kind: 'SecretStore' },
      secrets: { mine: { KEY: { key: 'path' } } },
    },
  },
  'externalSecrets.enabled': {
    externalSecrets: {
      secretStoreRef: { name: 'vault', kind: 'SecretStore' },
      secrets: { mine: { KEY: { key: 'path' } } },
    },
  },
  'common.autoscaling': { gateway: { autoscaling: { enabled: true } } },
  'common.autoscaling.enabled': {},
  'common.podDisruptionBudget': { gateway: { podDisruptionBudget: { enabled: true } }, common: {} },
  'common.podDisruptionBudget.enabled': {},
  'common.podDisruptionBudget.minAvailable': {
    gateway: { podDisruptionBudget: { enabled: true }, replicaCount: 3 },
  },
  'common.networkPolicy': { networkPolicy: { enabled: true } },
  'gateway.service.nodePort': { gateway: { service: { type: 'NodePort' } } },
  'gateway.grpcService.nodePort': { gateway: { grpcService: { type: 'NodePort' } } },
  'gateway.publicTls.clientCa': { gateway: { publicTls: { existingSecret: 'mine' } } },
  'gateway.walCount': { wal: { replicaCount: 3 } },
  'dedup.walCount': { wal: { replicaCount: 3 }, gateway: { walCount: 1 } },
  'wal.enabled': { config: { data: { WAL_ADDR: 'a:8082' } } },
  'verifier.enabled': { config: { data: { VERIFIER_ADDR: 'a:8083' } } },
  'signal-scoring.enabled': { config: { data: { SCORING_ADDR: 'a:8085' } } },
  'dedup.enabled': { config: { data: { DEDUP_ADDR: 'a:8084' } } },
  agent: { agent: { enabled: true } },
  'agent.enabled': {},
  'redis.enabled': { config: { data: { REDIS_ADDR: 'a:6379' } } },
  'redis.auth.password': { redis: { auth: { existingSecret: '' } } },
  'redis.master.persistence': { redis: { master: { persistence: { enabled: true } } } },
  'redis.master.persistence.enabled': {},
  postgresql: { postgresql: { enabled: true }, config: { data: { DEDUP_BACKEND: 'postgres' } } },
  'postgresql.enabled': {},
  'postgresql.auth.password': { postgresql: { enabled: true, auth: { existingSecret: '' } } },
  'postgresql.external': {
    postgresql: { external: { host: 'db.example' } },
    config: { data: { DEDUP_BACKEND: 'postgres' } },
  },
  'postgresql.external.password': {
    postgresql: { external: { host: 'db.example' } },
    config: { data: { DEDUP_BACKEND: 'postgres' } },
  },
  'postgresql.external.existingSecretKey': {
    postgresql: { external: { host: 'db.example', existingSecret: 'mine' } },
    config: { data: { DEDUP_BACKEND: 'postgres' } },
  },
  cloudnativepg: { cloudnativepg: { enabled: true }, config: { data: { DEDUP_BACKEND: 'postgres' } } },
  'cloudnativepg.enabled': {},
  'cloudnativepg.backup': { cloudnativepg: { enabled: true, backup: { enabled: true } } },
  'cloudnativepg.backup.enabled': { cloudnativepg: { enabled: true } },
  jaeger: { jaeger: { enabled: true } },
  'jaeger.enabled': {},
}

const named = [{ name: 'mine' }]

/** Another value than the default, where its kind does not give one. */
const OTHERS: Readonly<Record<string, unknown>> = {
  'global.imagePullSecrets': named,
  'config.data': { LOG_LEVEL: 'debug' },
  'config.data.PCS_SIGN_ALG': 'none',
  'config.data.DEDUP_BACKEND': 'memory',
  'config.data.TOKEN_RATE': '7',
  'config.data.STOP_GRACE': '6s',
  'secrets.signing.keys': { PCS_HMAC_KEYS: 'other' },
  'secrets.signing.values': { PCS_HMAC_KEY: 'a throw-away key' },
  'secrets.agent.keys': { PCS_HMAC_KEY: 'other' },
  'secrets.agent.values': { PCS_HMAC_KEY: 'a throw-away key' },
  'secrets.metrics.keys': { METRICS_USER: 'user', METRICS_PASS: 'password' },
  'secrets.metrics.values': { METRICS_USER: 'a', METRICS_PASS: 'b' },
  'secrets.redis.keys': { REDIS_PASSWORD: 'other' },
  'secrets.redis.values': { REDIS_PASSWORD: 'a throw-away password' },
  'secrets.postgres.keys': { POSTGRES_CONN: 'other' },
  'secrets.postgres.values': { POSTGRES_CONN: 'host=db.example' },
  'mtls.mountPath': '/etc/other',
  'mtls.existingSecrets': { wal: 'mine' },
  'mtls.certManager.issuerRef': { name: 'mine' },
  'mtls.certManager.duration': '24h',
  'mtls.certManager.renewBefore': '8h',
  'networkPolicy.allowedNamespaces': ['others'],
  'networkPolicy.stores': [{ port: 1, cidr: '10.0.0.0/8' }],
  'networkPolicy.otlp': [{ port: 1, cidr: '10.0.0.0/8' }],
  runbookBaseUrl: 'https://runbooks.internal.example',
  dashboardBaseUrl: 'https://grafana.internal.example',
  'ingress.hosts': [{ host: 'other.example', paths: [{ path: '/' }] }],
  'ingress.tls': [{ secretName: 'mine' }],
  'gatewayAPI.parentRefs': [{ name: 'other' }],
  'gatewayAPI.hostnames': ['other.example'],
  'gatewayAPI.http.paths': ['/other'],
  'externalSecrets.secretStoreRef': { name: 'other', kind: 'SecretStore' },
  'externalSecrets.secrets': { other: { KEY: { key: 'path' } } },
  'common.image.digest': `sha256:${'0'.repeat(64)}`,
  'common.image.pullPolicy': 'Always',
  'common.imagePullSecrets': named,
  'common.updateStrategy': { rollingUpdate: { maxUnavailable: 1 } },
  'common.resources': { limits: { cpu: '3' } },
  'common.autoscaling.behavior': { scaleDown: { stabilizationWindowSeconds: 7 } },
  'common.topologySpreadConstraints': [{ maxSkew: 2, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }],
  'common.podDisruptionBudget.minAvailable': 1,
  'common.podDisruptionBudget.maxUnavailable': 2,
  'common.env': { LOG_LEVEL: 'debug' },
  'common.envFrom': [{ configMapRef: { name: 'mine' } }],
  'common.extraEnv': [{ name: 'OTHER', value: '1' }],
  'common.extraVolumes': [{ name: 'mine', emptyDir: {} }],
  'common.extraVolumeMounts': [{ name: 'mine', mountPath: '/mine' }],
  'common.podSecurityContext': { runAsUser: 1234 },
  'common.securityContext': { runAsUser: 1234 },
  'common.startupProbe': { tcpSocket: { port: 1 } },
  'common.livenessProbe': { tcpSocket: { port: 1 } },
  'common.readinessProbe': { tcpSocket: { port: 1 } },
  'common.lifecycle': { preStop: { sleep: { seconds: 1 } } },
  'common.terminationGracePeriodSeconds': 99,
  'common.initContainers': [{ name: 'mine', image: 'mine' }],
  'common.extraContainers': [{ name: 'mine', image: 'mine' }],
  'common.tolerations': [{ key: 'mine' }],
  'common.affinity': { nodeAffinity: {} },
  'common.networkPolicy.extraIngress': [{ from: [] }],
  'common.networkPolicy.extraEgress': [{ to: [] }],
  'common.service.type': 'NodePort',
  'gateway.service.nodePort': 30_080,
  'gateway.service.extra': { loadBalancerSourceRanges: ['10.0.0.0/8'] },
  'gateway.grpcService.type': 'NodePort',
  'gateway.grpcService.nodePort': 30_081,
  'gateway.grpcService.extra': { loadBalancerSourceRanges: ['10.0.0.0/8'] },
  'gateway.walCount': 2,
  'dedup.walCount': 2,
  'wal.persistence.size': '7Gi',
  'wal.persistence.accessModes': ['ReadWriteOncePod'],
  'wal.persistence.retentionPolicy': { whenScaled: 'Delete' },
  'agent.watch': '/other',
  'agent.extraArgs': ['--seed', '7'],
  'agent.persistence.size': '7Gi',
  'agent.persistence.accessModes': ['ReadWriteOncePod'],
  'redis.master.persistence.size': '7Gi',
  'redis.maxmemory': '7mb',
  'postgresql.primary.persistence.size': '7Gi',
  'postgresql.external.sslMode': 'disable',
  'cloudnativepg.storage.size': '7Gi',
}

/** They say something to the render itself, which is refused with other values than these. */
const ONLY_SAID: Readonly<Record<string, string>> = {
  'redis.architecture': 'refused: wrong-values.test.ts',
  'redis.sentinel.enabled': 'refused: wrong-values.test.ts',
  'redis.sentinel.quorum': 'goes with redis.sentinel.enabled',
  'redis.replica.replicaCount': 'refused: wrong-values.test.ts',
  'mtls.required': 'refuses: wrong-values.test.ts',
  'secrets.createSecret': 'refuses: wrong-values.test.ts',
  'mtls.certManager.enabled': 'refuses: wrong-values.test.ts',
  'wal.scaleDownFrom': 'is compared with the cluster: tests/wal_test.yaml',
  // Each component has its own.
  'common.image.repository': 'of each component',
}

function ingressWith(more: object): object {
  return { ingress: { enabled: true, hosts: [{ host: 'a.example', paths: [{ path: '/' }] }], ...more } }
}

function otherThan({ path, value }: Value): unknown {
  const key = path.join('.')
  const shared = [COMMON, ...path.slice(1)].join('.')
  if (key in OTHERS) return OTHERS[key]
  if (shared in OTHERS) return OTHERS[shared]
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return 'other'
  if (value === null) return 7
  return Array.isArray(value) ? ['other'] : { other: 'other' }
}

function needsOf(path: readonly string[]): object {
  for (let end = path.length; end > 0; end--) {
    const found = NEEDS[path.slice(0, end).join('.')]
    if (found) return found
  }
  return {}
}

function nested(path: readonly string[], value: unknown): object {
  return path.reduceRight<unknown>((below, key) => ({ [key]: below }), value) as object
}

const documented = values.filter(({ meaning }) => meaning !== undefined)
const isOfCommon = ({ path }: Value): boolean => path[0] === COMMON
const ofCommon = documented.filter(isOfCommon)

const [helm] = helms
describe.skipIf(helm.missing)(`values, by ${helm.title}`, () => {
  it('each says what it means', () => {
    expect(undocumented(values)).toEqual([])
  })

  const silent = async (
    cases: readonly { readonly name: string; readonly base: object; readonly changed: object }[],
  ) => {
    const bases = new Map<string, Promise<string>>()
    const baseOf = (base: object): Promise<string> => {
      const key = JSON.stringify(base)
      const known = bases.get(key) ?? helm.template({ values: base }).then(({ stdout }) => stdout)
      bases.set(key, known)
      return known
    }
    const found = await eachOf(cases, async ({ name, base, changed }) => {
      const { code, stdout, stderr } = await helm.template({ values: changed })
      if (code !== 0) return [`${name}: ${stderr}`]
      const same = (await baseOf(base)) === stdout
      return same ? [name] : []
    })
    return found.flat()
  }

  it('each changes what is rendered', async () => {
    const cases = documented
      .filter(({ path }) => ONLY_SAID[path.join('.')] === undefined)
      .map((value) => {
        const base = over(filler, needsOf(value.path))
        return { name: value.path.join('.'), base, changed: over(base, nested(value.path, otherThan(value))) }
      })
    expect(cases.length).toBeGreaterThan(150)
    expect(await silent(cases)).toEqual([])
  })

  it.each(['gateway', 'wal'])('what all components have, %s has too', async (component) => {
    const cases = ofCommon
      .filter(
        (value) =>
          !(
            component === 'wal' &&
            /^(autoscaling|lifecycle|service\.type)/.test(value.path.slice(1).join('.'))
          ),
      )
      .map((value) => {
        const path = [component, ...value.path.slice(1)]
        const needs = over(needsOf(value.path), NEEDS[path.join('.')] ?? {})
        const base = over(over(filler, needs), component === 'wal' ? { wal: walOf(value) } : {})
        return { name: path.join('.'), base, changed: over(base, nested(path, otherThan(value))) }
      })
    expect(await silent(cases)).toEqual([])
  })

  it('lists the components that there are', () => {
    const parts = values.filter(({ path }) => path.length === 1).map(({ path }) => path[0])
    expect(parts).toEqual(expect.arrayContaining([...COMPONENTS]))
  })
})

/** What must be on at the wal itself. */
function walOf({ path }: Value): object {
  return path[1] === 'podDisruptionBudget' && path[2] !== 'enabled'
    ? { podDisruptionBudget: { enabled: true }, replicaCount: 3 }
    : {}
}
