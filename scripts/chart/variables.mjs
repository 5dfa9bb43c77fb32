/** Secret variables: never in a ConfigMap nor in plain values of a pod; each with the place that it has. */
export const SECRET_VARIABLES = new Map([
  ...['PCS_HMAC_KEY', 'PCS_HMAC_KEYS', 'PCS_HMAC_KEY_OLD', 'PCS_HMAC_KEY_NEW'].map(
    (name) => /** @type {const} */ ([name, 'secrets.signing']),
  ),
  ['PCS_ED25519_PRIV_B64', 'secrets.agent'],
  ['METRICS_USER', 'secrets.metrics'],
  ['METRICS_PASS', 'secrets.metrics'],
  ['REDIS_PASSWORD', 'secrets.redis'],
  ['REDIS_SENTINEL_PASSWORD', 'secrets.redis'],
  ['POSTGRES_CONN', 'secrets.postgres'],
  ['POSTGRES_PASSWORD', 'secrets.postgres'],
])

/** Variables that the chart sets by what else it makes (ports, mounts): other values would contradict it. */
export const OWN_VARIABLES = new Set([
  ...['PORT', 'HOST', 'GRPC_ADDR', 'METRICS_ADDR', 'INSECURE_LISTEN', 'DATA_DIR', 'PCS_KEYS_FILE'],
  ...['TLS_ENABLED', 'TLS_CERT_FILE', 'TLS_KEY_FILE', 'OUTBOX_DIR'],
  ...['PUBLIC_TLS_CERT_FILE', 'PUBLIC_TLS_KEY_FILE', 'PUBLIC_TLS_CLIENT_CA_FILE'],
])

/** Variables that would say the same of all programs, and are not the same for all. */
const OF_ONE = new Set(['OTEL_SERVICE_NAME', 'TLS_CA_FILE'])

/**
 * What each program of the chart reads. An agent and the pods of the tools are `pcs`, and read what that reads.
 * @param {import('../test/settings.mjs').Settings} asked
 * @returns {ReadonlyMap<string, readonly string[]>}
 */
export function programVariables(asked) {
  const of = (/** @type {string} */ name) => [...(asked.get(name) ?? [])]
  const services = [...asked.keys()].filter((name) => name !== 'npm start' && name !== 'pcs')
  return new Map(
    [...services, 'tools'].map((name) => {
      const own = name === 'tools' ? of('pcs') : name === 'agent' ? [...of('agent'), ...of('pcs')] : of(name)
      return [name, [...new Set(own)].sort()]
    }),
  )
}

/**
 * @param {ReadonlyMap<string, readonly string[]>} variables
 * @returns {string} templates/_variables.tpl
 */
export function variablesTemplate(variables) {
  const lines = [...variables].map(([name, names]) => `${name}: [${names.join(', ')}]\n`)
  return `{{/* What each program reads. Made by npm run generate:chart. */}}
{{- define "fractal-lba.variables" -}}
${lines.join('')}{{- end -}}
`
}

/**
 * @param {ReadonlyMap<string, readonly string[]>} variables
 * @returns {readonly string[]} what config.data may have
 */
export function sharedVariables(variables) {
  const all = new Set([...variables.values()].flat())
  return [...all].filter((name) => isPlain(name) && !OF_ONE.has(name)).sort()
}

/**
 * @param {readonly string[]} names what a program reads
 * @returns {readonly string[]} what its `env` may have
 */
export function plainVariables(names) {
  return names.filter(isPlain)
}

/** @param {string} name */
function isPlain(name) {
  return !SECRET_VARIABLES.has(name) && !OWN_VARIABLES.has(name)
}
