import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { ed25519PublicKey, hmacKey } from '@fractal-lba/pcs'
import type { Command } from '../cli/command.js'
import { EXIT, usageError } from '../cli/failure.js'

const KEY_LIFE_DAYS = 90
const HMAC_KEY_BYTES = 32

type Variables = Readonly<Record<string, string>>

interface FreshKey {
  readonly algorithm: 'hmac' | 'ed25519'
  readonly keyId: string
  readonly agent: Variables
  readonly server: Variables
}

export const keygen: Command = {
  name: 'keygen',
  summary: 'make a fresh key and print the environment that uses it',
  usage: 'keygen [--alg hmac|ed25519] [--json]',
  options: [
    { name: 'alg', value: 'hmac|ed25519', help: 'the kind of key (hmac)' },
    { name: 'json', help: 'print one JSON object' },
  ],
  notes: `hmac is one secret that signs and verifies: agents and verifier share it.
ed25519 is a pair: agents sign with the private half, the verifier needs the public half only.
Keys live ${KEY_LIFE_DAYS} days. The output is a secret: keep it where only its owner can read.

Example:
  (umask 077; pcs keygen --alg ed25519 > pcs-keys.env)`,
  async run(given, terminal) {
    const key = freshKey(given.text('alg') ?? 'hmac')
    const made = new Date()
    const useUntil = new Date(made.getTime() + KEY_LIFE_DAYS * 86_400_000)
    terminal.out(given.has('json') ? jsonOf(key, made, useUntil) : textOf(key, made, useUntil))
    return EXIT.done
  },
}

function freshKey(algorithm: string): FreshKey {
  if (algorithm === 'hmac') return freshHmacKey()
  if (algorithm === 'ed25519') return freshEd25519Key()
  throw usageError('--alg must be hmac or ed25519')
}

function freshHmacKey(): FreshKey {
  // Hex, because the text itself is the key and must survive shells, comma lists and env files.
  const text = randomBytes(HMAC_KEY_BYTES).toString('hex')
  const variables = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: text }
  return { algorithm: 'hmac', keyId: hmacKey(text).id, agent: variables, server: variables }
}

function freshEd25519Key(): FreshKey {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const [privateText, publicText] = [d, x].map((part) => Buffer.from(part, 'base64url').toString('base64'))
  const algorithm = { PCS_SIGN_ALG: 'ed25519' }
  return {
    algorithm: 'ed25519',
    keyId: ed25519PublicKey(publicText ?? '').id,
    agent: { ...algorithm, PCS_ED25519_PRIV_B64: privateText ?? '' },
    server: { ...algorithm, PCS_ED25519_PUB_B64: publicText ?? '' },
  }
}

function jsonOf({ algorithm, keyId, agent, server }: FreshKey, made: Date, useUntil: Date): string {
  const dates = { made_at: made.toISOString(), use_until: useUntil.toISOString() }
  return `${JSON.stringify({ algorithm, key_id: keyId, ...dates, agent, server }, undefined, 2)}\n`
}

function textOf({ algorithm, keyId, agent, server }: FreshKey, made: Date, useUntil: Date): string {
  const environment =
    algorithm === 'hmac'
      ? [`# for the agents and the verifier`, ...lines(agent)]
      : ['# for the agents alone', ...lines(agent), '', '# for the verifier', ...lines(server)]
  const rotation =
    algorithm === 'hmac'
      ? 'while they change over, the verifier takes both as PCS_HMAC_KEY_OLD and PCS_HMAC_KEY_NEW'
      : 'while they change over, PCS_ED25519_PUB_B64 takes both, separated by a comma'
  return `${[
    `# ${algorithm} key ${keyId}, made ${day(made)}; keys live ${KEY_LIFE_DAYS} days: replace it by ${day(useUntil)}`,
    ...environment,
    '',
    '# Do keep it in a secret store, or in a file with mode 0600.',
    `# Do make the next one in time: ${rotation}.`,
    '# Do take it out of use at once when somebody may have seen it.',
    '# Do not commit it, log it, or send it by mail or chat.',
    '# Do not use one key for two installations.',
  ].join('\n')}\n`
}

function lines(variables: Variables): string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`)
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
