import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRecord } from '@fractal-lba/pcs'
import { afterAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { runPcs } from './testing/run-pcs.js'
import { runPcsProcess } from './testing/run-pcs-process.js'

const folder = mkdtempSync(join(tmpdir(), 'pcs-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const csv = file('events.csv', 'timestamp,x,y,z\n0,0.1,0.2,0.3\n1,0.4,-0.5,0.6\n2,0.7,0.8,0.9\n')
const identity = [
  '--shard-id',
  'shard-ä',
  '--epoch',
  '7',
  '--seed',
  '-42',
  '--sent-at',
  '2026-01-01T00:00:00Z',
]
const build = ['build', '--in', csv, ...identity]
const hmac = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'testsecret' }

// All other tests run the command in their own process.
describe('the program', () => {
  it.each([
    ['help', ['--help'], {}, 0],
    ['the version', ['--version'], {}, 0],
    ['a mistake of the command line', ['bulid'], {}, 2],
    ['a record', [...build, '--sign'], { env: hmac }, 0],
    ['a text that is no record', ['verify', '--in', '-'], { env: hmac, stdin: '{' }, 1],
    [
      'what it reads from standard input',
      ['build', '--in', '-', ...identity],
      { stdin: readFileSync(csv) },
      0,
    ],
    ['a file that cannot be read', ['build', '--in', folder, ...identity], {}, 1],
  ])('writes and ends as the command does in a test: %s', async (_what, args, options, code) => {
    const found = await runPcsProcess(args, options)
    expect(found).toEqual(await runPcs(args, options))
    expect(found.code).toBe(code)
  })
})

describe('help', () => {
  it.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { code, out, err } = await runPcs(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const name of ['keygen', 'build', 'sign', 'verify', 'submit', 'get'])
      expect(out).toContain(`  ${name} `)
  })

  it.each([[['help', 'build']], [['build', '--help']], [['build', '--in', 'x', '-h']]])(
    '%j tells the options of build',
    async (args) => {
      const { code, out } = await runPcs(args)
      expect(code).toBe(0)
      expect(out).toContain('Usage: pcs build --in FILE')
      for (const option of ['--shard-id', '--scales', '--sent-at', '--out']) expect(out).toContain(option)
    },
  )

  it('--version tells the version and that of its records', async () => {
    expect((await runPcs(['--version'])).out).toMatch(/^pcs \d+\.\d+\.\d+ \(records of version 0\.1\)\n$/)
  })

  it.each([
    [[], 'which command?'],
    [['bulid'], 'unknown command bulid'],
    [['--verbose'], 'unknown option --verbose'],
    [['help', 'nothing'], 'unknown command nothing'],
    [['build', '--sgin'], 'unknown option --sgin'],
    [['build', '--in', csv], '--shard-id must be given'],
    [['get'], 'PCS_ID must be given'],
    [['get', 'ABC'], 'PCS_ID must be 64'],
    [['keygen', '--alg', 'rsa'], '--alg must be hmac or ed25519'],
    [['keygen', '--as', 'pem'], '--as must be one of env'],
  ])('%j ends with a sentence, a hint and code 2', async (args, sentence) => {
    const { code, out, err } = await runPcs(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(`pcs: ${sentence}`)
    expect(err).toMatch(/See pcs .*--help/)
    expect(err).not.toContain('    at ')
  })
})

describe('pcs build', () => {
  it('writes the same record at each run', async () => {
    const [first, second] = await Promise.all([runPcs(build), runPcs(build)])
    expect(first).toEqual(second)
    expect(first.code).toBe(0)
    expect(parseRecord(Buffer.from(first.out))).toMatchObject({
      shard_id: 'shard-ä',
      epoch: 7,
      seed: -42,
      sig: '',
    })
  })

  it('writes floats and the order of fields as deployed agents do', async () => {
    const { out } = await runPcs(['build', '--in', file('none.csv', ''), ...identity])
    expect(out).toContain('"shard_id":"shard-\\u00e4"')
    expect(out).toContain('"coh_star":0.0,"D_hat":0.0,"r":1.0,"budget":0.1,"v_star":[0.0,0.0,0.0]')
  })

  it('reads standard input, writes a file, takes all options', async () => {
    const path = join(folder, 'out.json')
    const options = '--scales 3,9 --chunk-bytes 32 --attempt 2 --outbox-seq 5'.split(' ')
    const { code, out } = await runPcs(['build', '--in', '-', ...identity, ...options, '--out', path], {
      stdin: readFileSync(csv),
    })
    expect({ code, out }).toEqual({ code: 0, out: '' })
    const record = parseRecord(readFileSync(path))
    expect(record).toMatchObject({ scales: [3, 9], attempt: 2, ft: { outbox_seq: 5 } })
    expect(record.merkle_root).not.toBe(parseRecord(Buffer.from((await runPcs(build)).out)).merkle_root)
  })

  it('computes the budget with the parameters of the environment', async () => {
    const { out } = await runPcs(build, { env: { PCS_ALPHA: '0', PCS_GAMMA: '0', PCS_BASE: '0.4' } })
    expect(parseRecord(Buffer.from(out)).budget).toBe(0.4)
    expect(await runPcs(build, { env: { PCS_ALPHA: 'much' } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('PCS_ALPHA is not a number from -1000 to 1000'),
    })
  })

  it.each([
    [
      'a bad number',
      file('bad.csv', 'timestamp,x,y,z\n0,1,2,3\n1,1,two,3\n'),
      'bad.csv:3: column y is not a number: "two"',
    ],
    ['a missing file', join(folder, 'nowhere.csv'), 'nowhere.csv: no such file or directory'],
    ['a directory', folder, 'it is a directory'],
  ])('of %s says file and line', async (_, path, sentence) => {
    const { code, out, err } = await runPcs(['build', '--in', path, ...identity])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(sentence)
    expect(err).not.toContain('    at ')
  })

  it('of options that make no valid record names the fields', async () => {
    const { code, err } = await runPcs([
      'build',
      '--in',
      csv,
      '--shard-id',
      'x',
      '--epoch',
      '1',
      '--seed',
      '1',
      '--sent-at',
      'now',
    ])
    expect(code).toBe(1)
    expect(err).toContain('  /sent_at: ')
  })

  it('refuses scales that give no D̂', async () => {
    const { code, err } = await runPcs([...build, '--scales', '4,4'])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('at least two different') })
  })

  it('shows where an error arose only when asked', async () => {
    const { err } = await runPcs(['build', '--in', folder, ...identity], { env: { PCS_DEBUG: '1' } })
    expect(err).toContain('    at ')
  })
})

describe('keys', () => {
  it.each(['hmac', 'ed25519'])('fresh %s keys sign and verify', async (alg) => {
    const { out } = await runPcs(['keygen', '--alg', alg, '--json'])
    const key: { key_id: string; agent: Record<string, string>; server: Record<string, string> } =
      JSON.parse(out)
    const signed = await runPcs([...build, '--sign'], { env: key.agent })
    const verified = await runPcs(['verify', '--in', '-'], { env: key.server, stdin: signed.out })
    expect(verified).toMatchObject({ code: 0, err: '' })
    expect(verified.out).toContain(`verifies under the key ${key.key_id}`)
    expect(verified.out).toContain('matches merkle_root')
    const foreign: typeof key = JSON.parse((await runPcs(['keygen', '--alg', alg, '--json'])).out)
    expect(foreign.key_id).not.toBe(key.key_id)
    expect(await runPcs(['verify', '--in', '-'], { env: foreign.server, stdin: signed.out })).toMatchObject({
      code: 1,
    })
  })

  it('fresh keys come as lines for an environment file', async () => {
    const { out } = await runPcs(['keygen', '--alg', 'ed25519', '--as', 'env'])
    expect(out).toMatch(/^PCS_ED25519_PRIV_B64=[A-Za-z0-9+/]{43}=$/m)
    expect(out).toMatch(/^PCS_ED25519_PUB_B64=[A-Za-z0-9+/]{43}=$/m)
    expect(out.split('\n').every((line) => line === '' || /^(#|[A-Z0-9_]+=)/.test(line))).toBe(true)
    expect((await runPcs(['keygen', '--as', 'env'])).out).toMatch(/^PCS_HMAC_KEY=[0-9a-f]{64}$/m)
  })

  it.each(['hmac', 'ed25519'])(
    'fresh %s keys come with all that puts them where they belong',
    async (alg) => {
      const { out } = await runPcs(['keygen', '--alg', alg])
      expect(out).toMatch(/^Private key: \S{44,}$/m)
      expect(/^Public key: \S{44}$/m.test(out)).toBe(alg === 'ed25519')
      for (const part of ['90 days', 'kind: Secret', 'environment:', 'Do not commit it'])
        expect(out).toContain(part)
      expect(out).toContain(alg === 'hmac' ? 'name: pcs-hmac-secret' : 'name: pcs-ed25519-config')
    },
  )

  it.each(['hmac', 'ed25519'])(
    'the values that come with a fresh %s key are the profile of the chart',
    async (alg) => {
      const { out } = await runPcs(['keygen', '--alg', alg, '--as', 'helm'])
      const profile = new URL(`../../../helm/fractal-lba/values-${alg}.yaml`, import.meta.url)
      expect(parseYaml(out)).toEqual(parseYaml(readFileSync(profile, 'utf8')))
    },
  )

  it('the key file that comes with a fresh key is one that the verifier takes', async () => {
    const { out } = await runPcs(['keygen', '--alg', 'ed25519', '--as', 'key-file'])
    // The verifier's own reader has tests of its own; here it is the form that counts.
    expect(parseYaml(out)).toEqual({
      keys: [
        {
          algorithm: 'ed25519',
          id: expect.stringMatching(/^ed25519:[0-9a-f]{12}$/),
          key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
          not_before: expect.stringMatching(/^20\d\d-.*Z$/),
          not_after: expect.stringMatching(/^20\d\d-.*Z$/),
        },
      ],
    })
  })

  it('come from a file, without the line end at its end', async () => {
    const path = file('hmac.key', 'testsecret\n')
    const byFile = await runPcs([...build, '--sign', '--key-file', path], { env: { PCS_SIGN_ALG: 'none' } })
    expect(byFile).toEqual(await runPcs([...build, '--sign'], { env: hmac }))
    expect(await runPcs(['verify', '--in', '-', '--key-file', path], { stdin: byFile.out })).toMatchObject({
      code: 0,
    })
  })

  it.each([
    ['PCS_HMAC_KEYS', 'other, testsecret'],
    ['PCS_HMAC_KEY_OLD', 'testsecret'],
    ['PCS_HMAC_KEY_NEW', 'testsecret'],
  ])('several verify at once: %s', async (name, value) => {
    const signed = await runPcs([...build, '--sign'], { env: hmac })
    const env = { PCS_HMAC_KEY: 'another', [name]: value }
    expect(await runPcs(['verify', '--in', '-'], { env, stdin: signed.out })).toMatchObject({ code: 0 })
  })

  it.each([
    { PCS_HMAC_KEYS: 'testsecret,' },
    { PCS_HMAC_KEYS: 'testsecret, ,other' },
    { PCS_ED25519_PUB_B64: ',' },
  ])('that are empty in a list are a mistake, as they are to the verifier: %j', async (env) => {
    const signed = await runPcs([...build, '--sign'], { env: hmac })
    const { code, err } = await runPcs(['verify', '--in', '-'], { env, stdin: signed.out })
    expect([code, err]).toEqual([2, expect.stringContaining('a key in it is empty')])
    expect(err).not.toContain('testsecret')
  })

  it.each([
    [{}, 'set PCS_SIGN_ALG to hmac'],
    [{ PCS_SIGN_ALG: 'HMAC' }, 'PCS_SIGN_ALG is not hmac, ed25519, none'],
    [{ PCS_SIGN_ALG: 'hmac' }, 'PCS_HMAC_KEY must be set: PCS_SIGN_ALG is hmac'],
    [{ PCS_SIGN_ALG: 'ed25519' }, 'PCS_ED25519_PRIV_B64 must be set: PCS_SIGN_ALG is ed25519'],
    [{ PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PRIV_B64: 'c2VjcmV0' }, 'PCS_ED25519_PRIV_B64 cannot be used'],
  ])('that are missing or wrong end signing with a sentence: %j', async (env, sentence) => {
    const { code, out, err } = await runPcs([...build, '--sign'], { env })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(sentence)
    expect(err).not.toContain('c2VjcmV0')
  })

  it('none leaves a record unsigned, by name only', async () => {
    expect(await runPcs([...build, '--sign'], { env: { PCS_SIGN_ALG: 'none' } })).toEqual(await runPcs(build))
    expect(await runPcs([...build, '--key-file', csv])).toMatchObject({ code: 2 })
  })
})

describe('pcs sign and verify', () => {
  it('sign what build made as build --sign does', async () => {
    const unsigned = await runPcs(build)
    const signed = await runPcs(['sign', '--in', '-'], { env: hmac, stdin: unsigned.out })
    expect(signed).toEqual(await runPcs([...build, '--sign'], { env: hmac }))
  })

  it('sign turns −0 into 0 and says which fields it leaves out', async () => {
    const { out } = await runPcs(['build', '--in', file('none2.csv', ''), ...identity])
    const odd = out.replace('"D_hat":0.0', '"D_hat":-0.0').replace('"ft":{', '"colour":"red","ft":{"mood":1,')
    const signed = await runPcs(['sign', '--in', '-'], { env: hmac, stdin: odd })
    expect(signed.err).toContain('/colour, /ft/mood')
    expect(signed.out).toContain('"D_hat":0.0')
    expect(await runPcs(['verify', '--in', '-'], { env: hmac, stdin: signed.out })).toMatchObject({ code: 0 })
  })

  it('verify says plainly that a changed record does not verify', async () => {
    const signed = await runPcs([...build, '--sign'], { env: hmac })
    const changed = signed.out.replace('"epoch":7', '"epoch":8')
    const { code, out, err } = await runPcs(['verify', '--in', '-'], { env: hmac, stdin: changed })
    expect(code).toBe(1)
    expect(err).toBe('pcs: standard input does not verify\n')
    expect(out).toContain('pcs_id     is not the hash of')
  })

  it('verify of a signed record with a foreign id says that it would be escalated', async () => {
    const { out } = await runPcs(build)
    const foreign = out.replace(/"pcs_id":"[0-9a-f]+"/, `"pcs_id":"${'0'.repeat(64)}"`)
    const signed = await runPcs(['sign', '--in', '-'], { env: hmac, stdin: foreign })
    const verified = await runPcs(['verify', '--in', '-'], { env: hmac, stdin: signed.out })
    expect(verified).toMatchObject({ code: 1, err: expect.stringContaining('pcs_id_mismatch') })
    expect(verified.out).toContain('verifies under the key hmac:')
  })

  it('verify lists all that is wrong, with pointers', async () => {
    const { out } = await runPcs(build)
    const wrong = out.replace('"epoch":7', '"epoch":1.0').replace('"16":', '"17":')
    const { code, err } = await runPcs(['verify', '--in', '-'], { env: hmac, stdin: wrong })
    expect(code).toBe(1)
    expect(err).toContain('pcs: standard input is not a valid record:')
    for (const pointer of ['/epoch: ', '/N_j/16: ', '/N_j/17: ']) expect(err).toContain(`  ${pointer}`)
  })

  it('verify without a key says what to set', async () => {
    const { code, err } = await runPcs(['verify', '--in', csv])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('set PCS_HMAC_KEY') })
  })
})
