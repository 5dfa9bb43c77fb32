/** What the comments of a profile tell people to have before they install it. */
export function prerequisites(profile: string): readonly object[] {
  return OBJECTS[profile] ?? []
}

const THROW_AWAY = 'only for tests: thrown away with them'
const HMAC = secret('pcs-hmac-secret', { PCS_HMAC_KEY: THROW_AWAY })
const METRICS = secret('metrics-auth-secret', { METRICS_USER: 'ops', METRICS_PASS: THROW_AWAY })
const REDIS = secret('redis-auth-secret', { REDIS_PASSWORD: THROW_AWAY })

const OBJECTS: Readonly<Record<string, readonly object[]>> = {
  dev: [REDIS, secret('postgres-auth-secret', { POSTGRES_PASSWORD: THROW_AWAY })],
  ed25519: [
    secret('pcs-ed25519-agent-secret', { PCS_ED25519_PRIV_B64: '' }),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'pcs-ed25519-config' },
      data: { PCS_ED25519_PUB_B64: '' },
    },
  ],
  everything: [secret('fractal-lba-tls', { 'tls.crt': '', 'tls.key': '', 'ca.crt': '' })],
  hmac: [HMAC],
  'metrics-auth': [METRICS],
  postgres: [secret('postgres-conn-secret', { POSTGRES_CONN: 'host=postgres.example' })],
  production: [
    HMAC,
    METRICS,
    REDIS,
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'fast-ssd' },
      provisioner: 'kwok.x-k8s.io/volume',
      allowVolumeExpansion: true,
    },
  ],
  redis: [REDIS],
  'redis-sentinel': [REDIS],
}

function secret(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }
}

/** The same object, in a namespace. */
export function inNamespace(object: object, namespace: string): object {
  const { metadata, ...rest } = object as { readonly metadata: object }
  return { ...rest, metadata: { ...metadata, namespace } }
}
