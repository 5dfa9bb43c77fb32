import { SECRET_VARIABLES } from './variables.mjs'

/** @typedef {Readonly<Record<string, unknown>>} Schema */

const text = { type: 'string' }
const flag = { type: 'boolean' }
const name = { type: 'string', minLength: 1 }
const port = { type: 'integer', minimum: 1, maximum: 65_535 }
const object = { type: 'object' }
const objects = { type: 'array', items: object }
const words = { type: 'object', additionalProperties: text }
const orNull = (/** @type {Schema} */ schema) => ({ anyOf: [schema, { type: 'null' }] })
const list = (/** @type {Schema} */ items) => ({ type: 'array', items })
const oneOf = (/** @type {readonly unknown[]} */ ...values) => ({ enum: values })
/** @param {Readonly<Record<string, Schema>>} properties @param {readonly string[]} required */
const closed = (properties, required = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})

const named = { type: 'object', required: ['name'], properties: { name } }
/** 50Gi: what Kubernetes takes as a quantity of bytes. */
const quantity = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?([KMGTPE]i?|k)?$' }
/** 2160h: what Go takes as a duration. */
const goDuration = { type: 'string', pattern: '^([0-9]+(\\.[0-9]+)?(h|m|s|ms))+$' }
const percent = orNull({ type: 'integer', minimum: 1, maximum: 1_000 })
const podCount = { type: 'integer', minimum: 0 }
const share = { anyOf: [podCount, { type: 'string', pattern: '^[0-9]+%$' }] }
const serviceType = oneOf('ClusterIP', 'NodePort', 'LoadBalancer')
const accessModes = list(oneOf('ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'))
const retention = oneOf('Retain', 'Delete')
const secretNames = [...SECRET_VARIABLES.keys()]
/** A variable in Kubernetes' own form; a secret one comes from a Secret. */
const extraVariable = {
  ...named,
  if: { properties: { name: { enum: secretNames } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['valueFrom'] },
}
const outsidePeer = {
  ...closed({ port, cidr: name, namespace: name, podLabels: words }, ['port']),
  anyOf: [{ required: ['cidr'] }, { required: ['namespace'] }, { required: ['podLabels'] }],
}
/** Variables of a group of secrets, each with a key in a Secret or a value. An agent may sign with HMAC, too. */
const secretMap = (/** @type {string} */ group) => {
  const isOf = (/** @type {string} */ key) => SECRET_VARIABLES.get(key) === `secrets.${group}`
  const names = secretNames.filter((key) => isOf(key) || (group === 'agent' && key === 'PCS_HMAC_KEY'))
  return closed(Object.fromEntries(names.map((key) => [key, text])))
}
const secretGroups = Object.fromEntries(
  ['signing', 'agent', 'metrics', 'redis', 'postgres'].flatMap((group) => [
    [`secrets.${group}.keys`, secretMap(group)],
    [`secrets.${group}.values`, secretMap(group)],
  ]),
)

/**
 * What the form of a value must be where its default does not say it, by its path; that of a component under "common".
 * @type {Readonly<Record<string, Schema>>}
 */
export const RULES = {
  'global.imagePullSecrets': list(named),
  'global.labels': words,
  ...secretGroups,
  'mtls.existingSecrets': closed(
    Object.fromEntries(
      ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring', 'tools'].map((role) => [role, text]),
    ),
  ),
  'mtls.mountPath': { type: 'string', pattern: '^/' },
  'mtls.certManager.issuerRef': {
    anyOf: [closed({ name, kind: name, group: name }, ['name']), { const: {} }],
  },
  'mtls.certManager.duration': goDuration,
  'mtls.certManager.renewBefore': goDuration,
  'networkPolicy.allowedNamespaces': list(name),
  'networkPolicy.allowedPodLabels': words,
  'networkPolicy.dns.podLabels': words,
  'networkPolicy.monitoring.podLabels': words,
  'networkPolicy.stores': list(outsidePeer),
  'networkPolicy.otlp': list(outsidePeer),
  'prometheus.monitors.labels': words,
  'prometheus.rules.labels': words,
  'grafana.labels': words,
  'grafana.annotations': words,
  runbookBaseUrl: { type: 'string', pattern: '^(https?://.*)?$' },
  dashboardBaseUrl: { type: 'string', pattern: '^(https?://.*)?$' },
  'ingress.annotations': words,
  'ingress.hosts': list(
    closed(
      { host: name, paths: { ...list(closed({ path: name, pathType: name }, ['path'])), minItems: 1 } },
      ['host', 'paths'],
    ),
  ),
  'ingress.tls': list(closed({ secretName: name, hosts: list(name) })),
  'gatewayAPI.parentRefs': list(named),
  'gatewayAPI.hostnames': list(name),
  'gatewayAPI.http.paths': { type: 'array', minItems: 1, items: { type: 'string', pattern: '^/' } },
  'compaction.activeDeadlineSeconds': { type: 'integer', minimum: 1 },
  'externalSecrets.secretStoreRef': {
    anyOf: [
      closed({ name, kind: oneOf('SecretStore', 'ClusterSecretStore') }, ['name', 'kind']),
      { const: {} },
    ],
  },
  'externalSecrets.secrets': {
    type: 'object',
    additionalProperties: {
      type: 'object',
      additionalProperties: { type: 'object', required: ['key'], properties: { key: name, property: name } },
    },
  },
  'common.image.pullPolicy': oneOf('Always', 'IfNotPresent', 'Never'),
  'common.image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  'common.imagePullSecrets': list(named),
  'common.revisionHistoryLimit': podCount,
  'common.autoscaling.minReplicas': { type: 'integer', minimum: 1 },
  'common.autoscaling.maxReplicas': { type: 'integer', minimum: 1 },
  'common.autoscaling.targetCPU': percent,
  'common.autoscaling.targetMemory': percent,
  'common.podDisruptionBudget.minAvailable': orNull(share),
  'common.podDisruptionBudget.maxUnavailable': orNull(share),
  'common.topologySpreadConstraints': list({
    type: 'object',
    required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
  }),
  'common.envFrom': list({
    type: 'object',
    anyOf: [{ required: ['configMapRef'] }, { required: ['secretRef'] }],
  }),
  'common.extraEnv': list(extraVariable),
  'common.extraVolumes': list(named),
  'common.extraVolumeMounts': list({ ...named, required: ['name', 'mountPath'] }),
  'common.podAnnotations': words,
  'common.podLabels': words,
  'common.serviceAccount.annotations': words,
  'common.preStopSeconds': { type: 'integer', minimum: 0, maximum: 600 },
  'common.terminationGracePeriodSeconds': orNull({ type: 'integer', minimum: 1, maximum: 3_600 }),
  'common.initContainers': list(named),
  'common.extraContainers': list(named),
  'common.nodeSelector': words,
  'common.tolerations': objects,
  'common.networkPolicy.extraIngress': objects,
  'common.networkPolicy.extraEgress': objects,
  'common.service.type': serviceType,
  'common.service.annotations': words,
  ...Object.fromEntries(
    ['gateway', 'verifier', 'signal-scoring', 'dedup', 'wal'].map((component) => [
      `${component}.replicaCount`,
      component === 'wal' ? { type: 'integer', minimum: 1 } : podCount,
    ]),
  ),
  'gateway.service.port': port,
  'gateway.service.nodePort': orNull(port),
  'gateway.grpcService.type': serviceType,
  'gateway.grpcService.port': port,
  'gateway.grpcService.nodePort': orNull(port),
  'gateway.grpcService.annotations': words,
  'gateway.walCount': orNull({ type: 'integer', minimum: 1 }),
  'dedup.walCount': orNull({ type: 'integer', minimum: 1 }),
  'wal.persistence.size': quantity,
  'wal.persistence.accessModes': accessModes,
  'wal.persistence.retentionPolicy.whenScaled': retention,
  'wal.persistence.retentionPolicy.whenDeleted': retention,
  'wal.scaleDownFrom': orNull({ type: 'integer', minimum: 1 }),
  'agent.extraArgs': list(text),
  'agent.watch': { type: 'string', pattern: '^/' },
  'agent.persistence.size': quantity,
  'agent.persistence.accessModes': accessModes,
  'redis.architecture': name,
  'redis.sentinel.quorum': podCount,
  'redis.replica.replicaCount': podCount,
  'redis.master.persistence.size': quantity,
  'redis.maxmemory': { type: 'string', pattern: '^[0-9]+(b|kb?|mb?|gb?)?$' },
  'postgresql.primary.persistence.size': quantity,
  'postgresql.external.port': port,
  'postgresql.external.sslMode': oneOf('disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'),
  'cloudnativepg.instances': { type: 'integer', minimum: 1 },
  'cloudnativepg.storage.size': quantity,
}

const ANYTHING = { description: 'Refused while rendering, with a sentence that names its new place.' }

/** Keys of the older values guide: let through here, so that a sentence can say where they are now. */
export const REFUSED = {
  '': { backend: ANYTHING },
  component: { volumes: ANYTHING, volumeMounts: ANYTHING },
  grafana: { adminPassword: ANYTHING, persistence: ANYTHING },
}

/** Variables whose form is known beyond what docs/configuration.md says. */
export const VARIABLE_RULES = {
  PCS_SIGN_ALG: oneOf('hmac', 'ed25519', 'none'),
  DEDUP_BACKEND: oneOf('memory', 'redis', 'postgres'),
  // The volume is mounted at /data.
  WAL_DIR: { type: 'string', pattern: '^/data/.+' },
  // A password belongs into secrets.redis.
  REDIS_ADDR: { type: 'string', not: { pattern: '//[^/]*:[^/]*@' } },
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
}

export const VARIABLE = { type: ['string', 'number', 'boolean', 'null'] }
export { flag as FLAG }
