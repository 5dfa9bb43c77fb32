import { describe, expect, it } from 'vitest'
import { filler, helms, type KubeObject, objectOf, podTemplateOf } from './helm.js'
import { over } from './over.js'
import { snippetsOf } from './snippets.js'

// Every block of values in docs/helm-values.md renders, and does what stands beside it.

type Objects = readonly KubeObject[]

function envOf(objects: Objects, kind: string, name: string): Readonly<Record<string, unknown>> {
  const [container] = podTemplateOf(objectOf(objects, kind, name))?.spec.containers ?? []
  return Object.fromEntries(
    (container.env ?? []).map((entry: { name: string; value?: string; valueFrom?: unknown }) => [
      entry.name,
      entry.value ?? entry.valueFrom,
    ]),
  )
}

const secret = (name: string, key: string) => ({ secretKeyRef: { name, key } })
const configOf = (objects: Objects) => objectOf(objects, 'ConfigMap', 'fractal-lba-config').data
const dedupEnv = (objects: Objects) => envOf(objects, 'Deployment', 'fractal-lba-dedup')
const kinds = (objects: Objects) => new Set(objects.map(({ kind }) => kind))
const podSpec = (objects: Objects, kind: string, name: string) =>
  podTemplateOf(objectOf(objects, kind, name))?.spec
const verifier = ['Deployment', 'fractal-lba-verifier'] as const

/** What each block is for, by its title in the guide. */
const EXPECTED: Readonly<Record<string, (objects: Objects) => void>> = {
  HMAC: (objects) => {
    expect(envOf(objects, ...verifier).PCS_HMAC_KEY).toEqual(secret('pcs-hmac-secret', 'PCS_HMAC_KEY'))
    expect(kinds(objects)).not.toContain('Secret')
    // Nobody else has it.
    expect(envOf(objects, 'Deployment', 'fractal-lba')).not.toHaveProperty('PCS_HMAC_KEY')
  },
  'Two HMAC keys, for a rotation': (objects) => {
    expect(envOf(objects, ...verifier)).toMatchObject({
      PCS_HMAC_KEY_OLD: secret('pcs-hmac-keys-multi', 'PCS_HMAC_KEY_OLD'),
      PCS_HMAC_KEY_NEW: secret('pcs-hmac-keys-multi', 'PCS_HMAC_KEY_NEW'),
    })
  },
  'A key file, without restarts': (objects) => {
    expect(envOf(objects, ...verifier).PCS_KEYS_FILE).toBe('/etc/pcs-keys/keys.yaml')
    const { volumes, containers } = podSpec(objects, ...verifier)
    expect(volumes).toContainEqual({
      name: 'pcs-keys',
      secret: { secretName: 'pcs-key-ring', defaultMode: 0o440 },
    })
    expect(containers[0].volumeMounts).toContainEqual({
      name: 'pcs-keys',
      mountPath: '/etc/pcs-keys',
      readOnly: true,
    })
    expect(configOf(objects)).not.toHaveProperty('PCS_SIGN_ALG')
  },
  Ed25519: (objects) => {
    expect(podSpec(objects, ...verifier).containers[0].envFrom).toContainEqual({
      configMapRef: { name: 'pcs-ed25519-config' },
    })
    expect(envOf(objects, ...verifier)).not.toHaveProperty('PCS_ED25519_PRIV_B64')
    expect(envOf(objects, 'Job', 'fractal-lba-test').PCS_ED25519_PRIV_B64).toEqual(
      secret('pcs-ed25519-agent-secret', 'PCS_ED25519_PRIV_B64'),
    )
  },
  'Metrics with a password (1)': (objects) => {
    for (const name of [
      'fractal-lba',
      'fractal-lba-verifier',
      'fractal-lba-dedup',
      'fractal-lba-signal-scoring',
    ]) {
      expect(envOf(objects, 'Deployment', name).METRICS_PASS).toEqual(
        secret('metrics-auth-secret', 'METRICS_PASS'),
      )
    }
    const monitors = objects.filter(({ kind }) => kind === 'ServiceMonitor')
    expect(monitors.length).toBe(5)
    for (const { metadata, spec } of monitors) {
      expect(metadata.labels?.release).toBe('prometheus')
      expect(spec.endpoints[0].basicAuth.password).toEqual({
        name: 'metrics-auth-secret',
        key: 'METRICS_PASS',
      })
    }
    expect(objectOf(objects, 'PrometheusRule', 'fractal-lba').metadata.labels?.release).toBe('prometheus')
  },
  'Metrics with a password (2)': (objects) => {
    const { annotations } = podTemplateOf(objectOf(objects, 'StatefulSet', 'fractal-lba-wal'))?.metadata ?? {}
    expect(annotations).toMatchObject({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9082' })
  },
  'Dedup in Redis': (objects) => {
    expect(dedupEnv(objects)).toMatchObject({
      REDIS_ADDR: 'fractal-lba-redis:6379',
      REDIS_PASSWORD: secret('redis-auth-secret', 'REDIS_PASSWORD'),
    })
    const redis = objectOf(objects, 'StatefulSet', 'fractal-lba-redis')
    expect(redis.spec.volumeClaimTemplates[0].spec.resources.requests.storage).toBe('10Gi')
    expect(redis.spec.template.spec.containers[0].args).toContain('noeviction')
  },
  'A Redis of yours': (objects) => {
    expect(configOf(objects)).toMatchObject({
      REDIS_ADDR: 'redis-master.redis.svc.cluster.local:6379',
      REDIS_TLS: 'true',
    })
    expect(dedupEnv(objects).REDIS_PASSWORD).toEqual(secret('redis-auth-secret', 'redis-password'))
    expect(dedupEnv(objects)).not.toHaveProperty('REDIS_ADDR')
  },
  'Highly available, by Sentinel': (objects) => {
    expect(configOf(objects).REDIS_SENTINEL_MASTER).toBe('mymaster')
    expect(objectOf(objects, 'Deployment', 'fractal-lba-dedup').spec.replicas).toBe(2)
    expect(objects.some(({ metadata }) => metadata.name === 'fractal-lba-redis')).toBe(false)
  },
  'Dedup in Postgres': (objects) => {
    expect(dedupEnv(objects)).toMatchObject({
      POSTGRES_CONN: 'host=fractal-lba-postgresql port=5432 user=fractal dbname=fractal_lba sslmode=disable',
      POSTGRES_PASSWORD: secret('postgres-auth-secret', 'POSTGRES_PASSWORD'),
    })
    expect(
      objectOf(objects, 'StatefulSet', 'fractal-lba-postgresql').spec.volumeClaimTemplates[0].spec.resources
        .requests.storage,
    ).toBe('20Gi')
  },
  'A Postgres of yours (1)': (objects) => {
    expect(dedupEnv(objects).POSTGRES_CONN).toEqual(secret('postgres-conn-secret', 'POSTGRES_CONN'))
    expect(dedupEnv(objects)).not.toHaveProperty('POSTGRES_PASSWORD')
  },
  'A Postgres of yours (2)': (objects) => {
    expect(dedupEnv(objects)).toMatchObject({
      POSTGRES_CONN:
        'host=postgres-postgresql.postgres.svc.cluster.local port=5432 user=fractal dbname=fractal_lba sslmode=require',
      POSTGRES_PASSWORD: secret('postgres-auth-secret', 'POSTGRES_PASSWORD'),
    })
  },
  'By CloudNativePG': (objects) => {
    expect(objectOf(objects, 'Cluster', 'fractal-lba-pg').spec).toMatchObject({
      instances: 3,
      storage: { size: '10Gi' },
    })
    expect(dedupEnv(objects)).toMatchObject({
      POSTGRES_CONN: 'host=fractal-lba-pg-rw port=5432 user=fractal dbname=fractal_lba sslmode=require',
      POSTGRES_PASSWORD: secret('fractal-lba-pg-app', 'password'),
    })
  },
  'Without a store, for a while': (objects) => {
    const { spec } = objectOf(objects, 'Deployment', 'fractal-lba-dedup')
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
    expect(configOf(objects)).toMatchObject({ DEDUP_BACKEND: 'memory', DEDUP_MEMORY_MAX: '5000000' })
  },
  TLS: (objects) => {
    const ingress = objectOf(objects, 'Ingress', 'fractal-lba')
    expect(ingress.metadata.annotations).toMatchObject({
      'cert-manager.io/cluster-issuer': 'letsencrypt-prod',
    })
    expect(ingress.spec.rules[0].http.paths[0].backend.service).toEqual({
      name: 'fractal-lba',
      port: { name: 'http' },
    })
    expect(ingress.spec.tls[0].secretName).toBe('fractal-lba-tls')
  },
  'Between the services (1)': (objects) => {
    const certificates = objects.filter(({ kind }) => kind === 'Certificate')
    expect(certificates.map(({ spec }) => spec.dnsNames[0]).sort()).toEqual([
      'dedup',
      'gateway',
      'signal-scoring',
      'tools',
      'verifier',
      'wal',
    ])
    for (const { spec } of certificates) expect(spec.issuerRef.name).toBe('internal-ca')
    const env = envOf(objects, 'StatefulSet', 'fractal-lba-wal')
    expect(env).toMatchObject({
      TLS_ENABLED: 'true',
      TLS_CERT_FILE: '/etc/tls/tls.crt',
      TLS_CA_FILE: '/etc/tls/ca.crt',
    })
    expect(env).not.toHaveProperty('INSECURE_LISTEN')
  },
  'Between the services (2)': (objects) => {
    expect(kinds(objects)).not.toContain('Certificate')
    expect(podSpec(objects, ...verifier).volumes).toContainEqual({
      name: 'tls',
      secret: { secretName: 'backend-tls-secret', defaultMode: 0o440 },
    })
  },
  'Between the services (3)': (objects) => {
    expect(podSpec(objects, 'StatefulSet', 'fractal-lba-wal').volumes).toContainEqual({
      name: 'tls',
      secret: { secretName: 'wal-tls', defaultMode: 0o440 },
    })
  },
  'Gateway API': (objects) => {
    const { parentRefs, rules } = objectOf(objects, 'HTTPRoute', 'fractal-lba').spec
    expect(parentRefs[0].name).toBe('public')
    expect(rules[0].matches.map(({ path }: KubeObject) => path.value)).toEqual(['/v1', '/health', '/ready'])
    const [rule] = objectOf(objects, 'GRPCRoute', 'fractal-lba').spec.rules
    expect(rule.backendRefs).toEqual([{ name: 'fractal-lba-grpc', port: 8081 }])
  },
  'gRPC by a load balancer': (objects) => {
    const { metadata, spec } = objectOf(objects, 'Service', 'fractal-lba-grpc')
    expect(metadata.annotations).toHaveProperty(
      ['service.beta.kubernetes.io/aws-load-balancer-type'],
      'external',
    )
    expect(spec).toMatchObject({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] })
    expect(objectOf(objects, 'Service', 'fractal-lba').spec.type).toBe('ClusterIP')
  },
  'Network policies, in steps': (objects) => {
    const gateway = objectOf(objects, 'NetworkPolicy', 'fractal-lba').spec
    expect(JSON.stringify(gateway.ingress)).toContain('"kubernetes.io/metadata.name":"ingress-nginx"')
    const dedup = JSON.stringify(objectOf(objects, 'NetworkPolicy', 'fractal-lba-dedup').spec.egress)
    expect(dedup).toContain('"cidr":"10.20.0.0/16"')
    expect(dedup).toContain('"kubernetes.io/metadata.name":"redis"')
    expect(dedup).toContain('opentelemetry-collector')
  },
  'Logs come and go (1)': (objects) => {
    expect(objectOf(objects, 'StatefulSet', 'fractal-lba-wal').spec.replicas).toBe(3)
    const two = 'fractal-lba-wal-0.fractal-lba-wal:8082,fractal-lba-wal-1.fractal-lba-wal:8082'
    expect(envOf(objects, 'Deployment', 'fractal-lba').WAL_ADDR).toBe(two)
    expect(dedupEnv(objects).WAL_ADDR).toBe(two)
  },
  'Logs come and go (2)': (objects) => {
    expect(objectOf(objects, 'StatefulSet', 'fractal-lba-wal').spec.replicas).toBe(2)
  },
  'From a vault, by External Secrets': (objects) => {
    expect(objectOf(objects, 'ExternalSecret', 'pcs-hmac-secret').spec).toMatchObject({
      secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' },
      data: [
        { secretKey: 'PCS_HMAC_KEY', remoteRef: { key: 'fractal-lba/production', property: 'hmac_key' } },
      ],
    })
  },
  'An agent in the cluster': (objects) => {
    const spec = podSpec(objects, 'StatefulSet', 'fractal-lba-agent')
    expect(spec.containers[0].args).toEqual(['agent', 'run', '--watch', '/events'])
    expect(spec.containers[0].volumeMounts).toContainEqual({ name: 'events', mountPath: '/events' })
    expect(envOf(objects, 'StatefulSet', 'fractal-lba-agent')).toMatchObject({
      ENDPOINT: 'http://fractal-lba:8080',
      PCS_HMAC_KEY: secret('pcs-hmac-secret', 'PCS_HMAC_KEY'),
    })
  },
  'Traces (1)': (objects) => {
    expect(configOf(objects).OTEL_EXPORTER_OTLP_ENDPOINT).toBe('http://fractal-lba-jaeger:4318')
  },
  'Traces (2)': (objects) => {
    expect(configOf(objects).OTEL_TRACES_SAMPLER_ARG).toBe('0.01')
  },
  'A closed network': (objects) => {
    for (const object of objects) {
      const spec = podTemplateOf(object)?.spec
      if (!spec) continue
      expect(spec.containers[0].image).toMatch(/^registry\.internal\.example\//)
      expect(spec.imagePullSecrets).toEqual([{ name: 'registry-internal' }])
    }
  },
  OpenShift: (objects) => {
    for (const object of objects) {
      const security = podTemplateOf(object)?.spec.securityContext
      if (!security) continue
      expect(Object.keys(security).sort()).toEqual(['fsGroupChangePolicy', 'runAsNonRoot', 'seccompProfile'])
    }
  },
  'A sidecar': (objects) => {
    const { containers } = podSpec(objects, 'Deployment', 'fractal-lba')
    expect(containers.map(({ name }: { name: string }) => name)).toEqual(['gateway', 'log-shipper'])
  },
  'Variables for one service': (objects) => {
    expect(envOf(objects, 'Deployment', 'fractal-lba')).toMatchObject({
      CLIENT_RATE: '100',
      TRUSTED_PROXIES: '10.0.0.0/8',
      NODE_OPTIONS: '--max-old-space-size=768',
    })
    expect(dedupEnv(objects)).not.toHaveProperty('CLIENT_RATE')
  },
}

const snippets = snippetsOf()

it('each block of the guide has something that is expected of it, and nothing else has', () => {
  expect(snippets.map(({ title }) => title).sort()).toEqual(Object.keys(EXPECTED).sort())
})

describe.each(helms)('$title', (helm) => {
  describe.skipIf(helm.missing)('is there', () => {
    it.each(snippets)('renders $title of the guide', async ({ title, values }) => {
      EXPECTED[title]?.(await helm.objects({ values: over(filler, values) }))
    })
  })
})
