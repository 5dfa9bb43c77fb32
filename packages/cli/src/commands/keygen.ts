import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { ed25519PublicKey, hmacKey } from '@fractal-lba/pcs'
import type { Command } from '../cli/command.js'
import { EXIT, usageError } from '../cli/failure.js'
import { type Artifact, artifactNames, artifacts } from './key-artifacts.js'

const KEY_LIFE_DAYS = 90
const HMAC_KEY_BYTES = 32

export type Variables = Readonly<Record<string, string>>

export interface FreshKey {
  readonly algorithm: 'hmac' | 'ed25519'
  readonly keyId: string
  /** What the verifier needs to know: the HMAC key itself, or the public half. */
  readonly verifying: string
  readonly agent: Variables
  readonly server: Variables
  readonly madeAt: Date
  readonly useUntil: Date
}

export const keygen: Command = {
  name: 'keygen',
  summary: 'make a fresh key, and what puts it where it belongs',
  usage: 'keygen [--alg hmac|ed25519] [--as FORM] [--json]',
  options: [
    { name: 'alg', value: 'hmac|ed25519', help: 'the kind of key (hmac)' },
    { name: 'as', value: 'FORM', help: `print one form alone: ${artifactNames.join(', ')}` },
    { name: 'json', help: 'print one JSON object' },
  ],
  notes: `hmac is one secret that signs and verifies: agents and verifier share it.
ed25519 is a pair: agents sign with the private half, the verifier needs the public half only.
Keys live ${KEY_LIFE_DAYS} days. The output is a secret: keep it where only its owner can read.

Forms: env (an environment file), kubernetes (Secret and ConfigMap), helm (values of the chart that name those),
compose (an environment block), key-file (an entry for PCS_KEYS_FILE). Without --as all of them are printed, after
lines that begin with "Private key: " and, for ed25519, "Public key: ".

Examples:
  (umask 077; pcs keygen --alg ed25519 --as env > pcs-keys.env)
  pcs keygen --as kubernetes | kubectl apply --namespace fractal-lba --filename -`,
  async run(given, terminal) {
    const form = formFrom(given.text('as'))
    if (form !== undefined && given.has('json')) throw usageError('--as and --json exclude each other')
    const key = freshKey(given.text('alg') ?? 'hmac')
    if (given.has('json')) terminal.out(jsonOf(key))
    else terminal.out(form === undefined ? textOf(key) : artifacts[form](key))
    return EXIT.done
  },
}

function formFrom(text: string | undefined): Artifact | undefined {
  const form = artifactNames.find((name) => name === text)
  if (text !== undefined && form === undefined)
    throw usageError(`--as must be one of ${artifactNames.join(', ')}`)
  return form
}

function freshKey(algorithm: string): FreshKey {
  const madeAt = new Date()
  const times = { madeAt, useUntil: new Date(madeAt.getTime() + KEY_LIFE_DAYS * 86_400_000) }
  if (algorithm === 'hmac') return { ...freshHmacKey(), ...times }
  if (algorithm === 'ed25519') return { ...freshEd25519Key(), ...times }
  throw usageError('--alg must be hmac or ed25519')
}

type BareKey = Omit<FreshKey, 'madeAt' | 'useUntil'>

function freshHmacKey(): BareKey {
  // Hex, because the text itself is the key and must survive shells, comma lists and env files.
  const text = randomBytes(HMAC_KEY_BYTES).toString('hex')
  const variables = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: text }
  return {
    ...{ algorithm: 'hmac', keyId: hmacKey(text).id, verifying: text },
    ...{ agent: variables, server: variables },
  }
}

function freshEd25519Key(): BareKey {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const [privateText = '', publicText = ''] = [d, x].map((part) =>
    Buffer.from(part, 'base64url').toString('base64'),
  )
  const algorithm = { PCS_SIGN_ALG: 'ed25519' }
  return {
    ...{ algorithm: 'ed25519', keyId: ed25519PublicKey(publicText).id, verifying: publicText },
    agent: { ...algorithm, PCS_ED25519_PRIV_B64: privateText },
    server: { ...algorithm, PCS_ED25519_PUB_B64: publicText },
  }
}

function jsonOf({ algorithm, keyId, agent, server, madeAt, useUntil }: FreshKey): string {
  const dates = { made_at: madeAt.toISOString(), use_until: useUntil.toISOString() }
  return `${JSON.stringify({ algorithm, key_id: keyId, ...dates, agent, server }, undefined, 2)}\n`
}

function textOf(key: FreshKey): string {
  const { algorithm, keyId, madeAt, useUntil } = key
  const cut =
    algorithm === 'hmac'
      ? [`Private key: ${key.verifying}`]
      : [`Private key: ${key.agent.PCS_ED25519_PRIV_B64 ?? ''}`, `Public key: ${key.verifying}`]
  const titles: Readonly<Record<Artifact, string>> = {
    env: 'As an environment file',
    kubernetes: 'In Kubernetes',
    helm: 'With the chart, beside those',
    compose: 'In a compose file',
    'key-file': 'In the key file (PCS_KEYS_FILE) of the verifier',
  }
  const forms = artifactNames.flatMap((name) => [`--- ${titles[name]} (--as ${name})`, artifacts[name](key)])
  return `${[
    `${algorithm} key ${keyId}, made ${day(madeAt)}; keys live ${KEY_LIFE_DAYS} days: replace it by ${day(useUntil)}`,
    ...cut,
    '',
    ...forms,
    '--- What to do',
    'Do keep it in a secret store, or in a file with mode 0600.',
    'Do make the next one in time; while agents change over, the verifier takes both (docs/keys.md).',
    'Do take it out of use at once when somebody may have seen it.',
    'Do not commit it, log it, or send it by mail or chat.',
    'Do not use one key for two installations.',
  ].join('\n')}\n`
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
