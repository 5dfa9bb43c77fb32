import type { FreshKey, Variables } from './keygen.js'

/** The forms in which a key gets to where it belongs. */
export const artifactNames = ['env', 'kubernetes', 'helm', 'compose', 'key-file'] as const
export type Artifact = (typeof artifactNames)[number]

export const artifacts: Readonly<Record<Artifact, (key: FreshKey) => string>> = {
  env: environmentFile,
  kubernetes,
  helm,
  compose,
  'key-file': keyFile,
}

function environmentFile({ algorithm, agent, server }: FreshKey): string {
  const lines = (variables: Variables): string[] =>
    Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  return algorithm === 'hmac'
    ? text('# for the agents and the verifier', ...lines(agent))
    : text('# for the agents alone', ...lines(agent), '', '# for the verifier', ...lines(server))
}

/** The names that the values guide has taught. */
function kubernetes({ algorithm, agent, verifying }: FreshKey): string {
  if (algorithm === 'hmac') return secret('pcs-hmac-secret', 'PCS_HMAC_KEY', verifying)
  return `${secret('pcs-ed25519-agent-secret', 'PCS_ED25519_PRIV_B64', agent.PCS_ED25519_PRIV_B64 ?? '')}---
${text(
  'apiVersion: v1',
  'kind: ConfigMap',
  'metadata:',
  '  name: pcs-ed25519-config',
  'data:',
  `  PCS_ED25519_PUB_B64: ${quoted(verifying)}`,
)}`
}

function secret(name: string, variable: string, value: string): string {
  return text(
    'apiVersion: v1',
    'kind: Secret',
    'metadata:',
    `  name: ${name}`,
    'type: Opaque',
    'stringData:',
    `  ${variable}: ${quoted(value)}`,
  )
}

/** Values that name the objects of the form before: no key is in them. The chart has the same as a profile. */
function helm({ algorithm }: FreshKey): string {
  const signAlg = ['config:', '  data:', `    PCS_SIGN_ALG: ${algorithm}`]
  return algorithm === 'hmac'
    ? text(...signAlg, 'secrets:', '  signing:', '    existingSecret: pcs-hmac-secret')
    : text(
        ...signAlg,
        ...['verifier:', '  envFrom:', '    - configMapRef: {name: pcs-ed25519-config}'],
        ...['secrets:', '  agent:', '    existingSecret: pcs-ed25519-agent-secret'],
      )
}

function compose({ agent, server }: FreshKey): string {
  const block = (service: string, variables: Variables): string[] => [
    `  ${service}:`,
    '    environment:',
    ...Object.entries(variables).map(([name, value]) => `      ${name}: ${quoted(value)}`),
  ]
  return text('services:', ...block('verifier', server), ...block('agent', agent))
}

function keyFile({ algorithm, keyId, verifying, madeAt, useUntil }: FreshKey): string {
  return text(
    'keys:',
    `  - algorithm: ${algorithm}`,
    `    id: ${keyId}`,
    `    key: ${quoted(verifying)}`,
    `    not_before: ${madeAt.toISOString()}`,
    `    not_after: ${useUntil.toISOString()}`,
  )
}

/** Hex and base64 need no escape; the quotes keep a text of digits a text. */
function quoted(value: string): string {
  return `"${value}"`
}

function text(...lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
