import { describe, expect, it } from 'vitest'
import { fieldNames, recordBytes } from '../testing/record.js'
import { type FieldError, MalformedRecord } from './errors.js'
import { JsonNumber, type JsonValue, parseJson } from './json.js'
import { parseRecord, validateRecord } from './validate.js'

function errorsOfBytes(bytes: Uint8Array): readonly FieldError[] {
  try {
    parseRecord(bytes)
    return []
  } catch (error) {
    if (!(error instanceof MalformedRecord)) throw error
    return error.errors
  }
}

function errorsOf(changes: Readonly<Record<string, string | null>>): readonly FieldError[] {
  return errorsOfBytes(recordBytes(changes))
}

function pointersOf(changes: Readonly<Record<string, string | null>>): string[] {
  return errorsOf(changes).map((error) => error.pointer)
}

const safeMax = '9007199254740991'
const beyondSafe = '9007199254740992'
const text = (length: number, of = 'x') => JSON.stringify(of.repeat(length))

it('reads a valid record', () => {
  expect(
    parseRecord(recordBytes({ seed: '-7', coh_star: '1', r: '-0.0', D_hat: '1e0', budget: '0' })),
  ).toEqual({
    pcs_id: 'c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41',
    schema: 'fractal-lba-kakeya',
    version: '0.1',
    shard_id: 'shard-a',
    epoch: 1,
    attempt: 1,
    sent_at: '2026-01-01T00:00:00Z',
    seed: -7,
    scales: [2, 4, 8, 16, 32],
    N_j: new Map([
      ['2', 3],
      ['4', 5],
      ['8', 9],
      ['16', 17],
      ['32', 31],
    ]),
    coh_star: 1,
    v_star: [0.12, 0.98, -0.05],
    D_hat: 1,
    r: -0,
    budget: 0,
    regime: 'sticky',
    merkle_root: 'dfe09678f6d3bff6f028eee827402ef79f1fc487b1e0d45f2b297f044d32a908',
    sig: 'UQ2fXLyelg81y8aeGBZVWNbkY3Um/aO2iD9NAWUc7EE=',
    ft: { outbox_seq: 1, degraded: false, fallbacks: [], clock_skew_ms: 0 },
  })
})

describe('what is taken', () => {
  const cases: [name: string, changes: Record<string, string>][] = [
    ['a newer minor version', { version: '"0.2"' }],
    ['a much newer minor version', { version: '"0.123"' }],
    ['a pcs_id that is another hash', { pcs_id: text(64, 'a') }],
    ['a shard id of 256 code points', { shard_id: text(256) }],
    ['a shard id of 256 code points in 512 units', { shard_id: text(256, '🚀') }],
    ['a shard id beyond ASCII', { shard_id: '"шард-é \\u00a0\\u2028\\u200b"' }],
    ['epoch 0', { epoch: '0' }],
    ['epoch -0', { epoch: '-0' }],
    ['the largest epoch', { epoch: safeMax }],
    ['the largest attempt', { attempt: safeMax }],
    ['the smallest seed', { seed: `-${safeMax}` }],
    ['the largest seed', { seed: safeMax }],
    ['repeated, unsorted scales', { scales: '[16,2,16,2]', N_j: '{"2":1,"16":2}' }],
    ['the largest scale', { scales: `[1,${safeMax}]`, N_j: `{"1":0,"${safeMax}":${safeMax}}` }],
    ['64 scales', { scales: `[${Array(63).fill(2).join()},3]`, N_j: '{"3":1,"2":1}' }],
    ['floats beyond every bound', { coh_star: '-1e308', D_hat: '1e308', r: '-5', budget: '1e-400' }],
    ['a float written as a great integer', { D_hat: `1${'0'.repeat(300)}` }],
    ['directions written as integers', { v_star: '[0,1,-1]' }],
    ['a short Merkle root', { merkle_root: '"0"' }],
    ['a Merkle root of 128 digits', { merkle_root: text(128, 'f') }],
    [
      'the bounds of ft',
      {
        ft: `{"outbox_seq":0,"degraded":true,"fallbacks":[${Array(64).fill(text(256, '🚀')).join()}],"clock_skew_ms":-${safeMax}}`,
      },
    ],
    [
      'control characters in fallbacks',
      { ft: '{"outbox_seq":0,"degraded":true,"fallbacks":["","\\u0000"],"clock_skew_ms":-1}' },
    ],
    ['unknown fields', { extra: '{"a":[null,1.5]}', __proto__x: '1', constructor: '{"prototype":1}' }],
    [
      'unknown fields in ft',
      { ft: '{"outbox_seq":0,"degraded":true,"fallbacks":[],"clock_skew_ms":-1,"x":null}' },
    ],
  ]
  it.each(cases)('%s', (_name, changes) => {
    expect(errorsOf(changes)).toEqual([])
  })

  it('__proto__ as an unknown field, which does nothing', () => {
    const bytes = Buffer.from(recordBytes().toString().replace('{', '{"__proto__":{"sig":"x","epoch":7},'))
    expect(parseRecord(bytes)).toEqual(parseRecord(recordBytes()))
    expect(errorsOfBytes(Buffer.from(bytes.toString().replace('"epoch":1,', '')))).toEqual([
      { pointer: '/epoch', detail: 'is missing' },
    ])
  })

  it.each(['null', '1', 'true', '{}', '["x"]', '1.5', '""', '"not base64"', null])('sig %s', (sig) => {
    expect(parseRecord(recordBytes({ sig })).sig).toBe(sig?.startsWith('"') ? JSON.parse(sig) : undefined)
  })
})

describe('what is refused', () => {
  const integers = (pointer: string, min: string) =>
    ['1.0', '1e3', 'null', '"1"', 'true', '[]', '{}', '0.5', beyondSafe, `-${beyondSafe}`, min].map(
      (value): [string, string, string[]] => [pointer, value, [`/${pointer}`]],
    )
  const cases: [field: string, value: string, pointers: string[]][] = [
    ...integers('epoch', '-1'),
    ...integers('attempt', '0'),
    ...integers('seed', '-9007199254740993'),
    ['pcs_id', text(63, 'a'), ['/pcs_id']],
    ['pcs_id', text(65, 'a'), ['/pcs_id']],
    ['pcs_id', text(64, 'A'), ['/pcs_id']],
    ['pcs_id', text(64, 'g'), ['/pcs_id']],
    ['pcs_id', `"${'a'.repeat(64)}\\n"`, ['/pcs_id']],
    ['pcs_id', `"${'a'.repeat(63)}\\n"`, ['/pcs_id']],
    ['pcs_id', '7', ['/pcs_id']],
    ['schema', '"fractal-lba"', ['/schema']],
    ['schema', '"Fractal-LBA-Kakeya"', ['/schema']],
    ['schema', '"fractal-lba-kakeya\\n"', ['/schema']],
    ['version', '"1.0"', ['/version']],
    ['version', '"1.1"', ['/version']],
    ['version', '"0.0"', ['/version']],
    ['version', '"0"', ['/version']],
    ['version', '"0."', ['/version']],
    ['version', '"0.01"', ['/version']],
    ['version', '"00.1"', ['/version']],
    ['version', '"0.1.0"', ['/version']],
    ['version', '"0.1 "', ['/version']],
    ['version', '"v0.1"', ['/version']],
    ['version', '"0.-1"', ['/version']],
    ['version', '"0.١"', ['/version']],
    ['version', '0.1', ['/version']],
    ['shard_id', '""', ['/shard_id']],
    ['shard_id', text(257), ['/shard_id']],
    ['shard_id', text(257, '🚀'), ['/shard_id']],
    ['shard_id', text(60_000), ['/shard_id']],
    ['shard_id', '"a\\u0000"', ['/shard_id']],
    ['shard_id', '"a\\tb"', ['/shard_id']],
    ['shard_id', '"a\\u007f"', ['/shard_id']],
    ['shard_id', '"a\\u0085"', ['/shard_id']],
    ['shard_id', '"a\\u009f"', ['/shard_id']],
    ['shard_id', '1', ['/shard_id']],
    ['sent_at', '"yesterday"', ['/sent_at']],
    ['sent_at', '"2026-02-29T00:00:00Z"', ['/sent_at']],
    ['sent_at', '1767225600', ['/sent_at']],
    ['scales', '"2,4"', ['/scales']],
    ['scales', '{"0":2}', ['/scales']],
    ['scales', '[]', ['/scales']],
    ['scales', '[2]', ['/scales']],
    ['scales', `[${Array(65).fill(2).join()}]`, ['/scales']],
    [
      'scales',
      `[2,4,8,16.0,32,0,-1,null,"2",${beyondSafe}]`,
      ['3', '5', '6', '7', '8', '9'].map((i) => `/scales/${i}`),
    ],
    ['N_j', '[]', ['/N_j']],
    ['N_j', '{"2":3,"4":5,"16":17,"32":31}', ['/N_j/8']],
    ['N_j', '{}', ['/N_j/2', '/N_j/4', '/N_j/8', '/N_j/16', '/N_j/32']],
    ['N_j', '{"2":3,"4":5,"8":9,"16":17,"32":31,"64":1}', ['/N_j/64']],
    ['N_j', '{"2":3,"4":5,"08":9,"16":17,"32":31}', ['/N_j/08', '/N_j/8']],
    ['N_j', '{"2.0":3,"4":5,"8":9,"16":17,"32":31}', ['/N_j/2.0', '/N_j/2']],
    [
      'N_j',
      '{"2":3.0,"4":-1,"8":null,"16":"17","32":9007199254740992}',
      ['2', '4', '8', '16', '32'].map((key) => `/N_j/${key}`),
    ],
    ['N_j', '{"2":3,"4":5,"8":9,"16":17,"32":31,"a/b\\n":1}', ['/N_j/a~1b%0A']],
    ['N_j', '{"2":3,"4":5,"8":9,"16":17,"32":31,"__proto__":1}', ['/N_j/__proto__']],
    ...['coh_star', 'D_hat', 'r', 'budget'].flatMap((field) =>
      ['"0.5"', 'true', '[0.5]', '{}'].map((value): [string, string, string[]] => [
        field,
        value,
        [`/${field}`],
      ]),
    ),
    ['v_star', '[0,1]', ['/v_star']],
    ['v_star', '[0,1,0,0]', ['/v_star']],
    ['v_star', '{"0":1,"1":1,"2":1}', ['/v_star']],
    ['v_star', '[null,"1",0]', ['/v_star/0', '/v_star/1']],
    ['regime', '"Sticky"', ['/regime']],
    ['regime', '"constructor"', ['/regime']],
    ['regime', '0', ['/regime']],
    ['merkle_root', '""', ['/merkle_root']],
    ['merkle_root', text(129, 'a'), ['/merkle_root']],
    ['merkle_root', '"AB"', ['/merkle_root']],
    ['merkle_root', '"ab|1"', ['/merkle_root']],
    ['merkle_root', '1', ['/merkle_root']],
    ['ft', '[]', ['/ft']],
    ['ft', '{}', ['/ft/outbox_seq', '/ft/degraded', '/ft/fallbacks', '/ft/clock_skew_ms']],
    [
      'ft',
      '{"outbox_seq":-1,"degraded":0,"fallbacks":{},"clock_skew_ms":0.0}',
      ['/ft/outbox_seq', '/ft/degraded', '/ft/fallbacks', '/ft/clock_skew_ms'],
    ],
    [
      'ft',
      `{"outbox_seq":null,"degraded":null,"fallbacks":["a",1,${text(257)}],"clock_skew_ms":-${beyondSafe}}`,
      ['/ft/outbox_seq', '/ft/degraded', '/ft/fallbacks/1', '/ft/fallbacks/2', '/ft/clock_skew_ms'],
    ],
    [
      'ft',
      `{"outbox_seq":1,"degraded":true,"fallbacks":[${Array(65).fill('"x"').join()}],"clock_skew_ms":0}`,
      ['/ft/fallbacks'],
    ],
  ]
  it.each(cases)('%s %.60s', (field, value, pointers) => {
    expect(pointersOf({ [field]: value })).toEqual(pointers)
  })

  const required = fieldNames.filter((name) => name !== 'sig')
  it.each(required)('%s missing, and null', (field) => {
    expect(errorsOf({ [field]: null })).toEqual([{ pointer: `/${field}`, detail: 'is missing' }])
    const [error, ...others] = errorsOf({ [field]: 'null' })
    expect([error?.pointer, others]).toEqual([`/${field}`, []])
    expect(error?.detail).toMatch(/^must be /)
  })

  it('all at once', () => {
    const nothing = errorsOfBytes(Buffer.from('{}'))
    expect(nothing.map((error) => error.pointer).sort()).toEqual(required.map((name) => `/${name}`).sort())
  })

  it('at most 100', () => {
    const keys = Array.from({ length: 3000 }, (_, i) => `"k${i}":1`)
    expect(errorsOf({ N_j: `{${keys.join()}}` })).toHaveLength(100)
  })

  it('long scales without a word for each', () => {
    expect(pointersOf({ scales: `[${Array(30_000).fill('0').join()}]` })).toHaveLength(65)
  })

  it.each(['null', '7', '"x"', 'true', '[]', '[{}]', '1.5'])('%s in place of a record', (value) => {
    expect(errorsOfBytes(Buffer.from(value))).toEqual([{ pointer: '', detail: 'must be an object' }])
  })

  it('the rules of the text inside ignored fields too', () => {
    for (const extra of [
      '1e400',
      '{"a":1,"a":1}',
      '"\\ud800"',
      '9'.repeat(400),
      '['.repeat(16) + ']'.repeat(16),
    ]) {
      expect(pointersOf({ extra }), extra.slice(0, 20)).toEqual([''])
    }
    expect(errorsOf({ extra: '['.repeat(15) + ']'.repeat(15) })).toEqual([])
  })

  it('without telling anything of the text', () => {
    const secret = 'do-not-tell'
    const strings = Object.fromEntries(fieldNames.map((name) => [name, JSON.stringify(secret)]))
    // It is a shard id like any other.
    expect(errorsOf(strings)).toHaveLength(required.length - 1)
    expect(JSON.stringify(errorsOf(strings))).not.toContain(secret)
    expect(JSON.stringify(errorsOf({ extra: `"${secret}\\x"` }))).not.toContain(secret)
  })
})

describe('values that come from elsewhere than a JSON text', () => {
  function withMember(name: string, value: JsonValue): JsonValue {
    const record = parseJson(recordBytes())
    if (!(record instanceof Map)) throw new Error('not an object')
    return new Map(record).set(name, value)
  }

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('must be finite: %s', (value) => {
    expect(() => validateRecord(withMember('D_hat', value))).toThrow(MalformedRecord)
    expect(() => validateRecord(withMember('D_hat', new JsonNumber(value, false)))).toThrow(MalformedRecord)
    expect(() => validateRecord(withMember('epoch', value))).toThrow(MalformedRecord)
  })

  it('must be safe integers where integers are due', () => {
    expect(() => validateRecord(withMember('epoch', 1.5))).toThrow(MalformedRecord)
    expect(() => validateRecord(withMember('seed', 2 ** 53))).toThrow(MalformedRecord)
    expect(() => validateRecord(withMember('epoch', new JsonNumber(1, true)))).toThrow(MalformedRecord)
  })
})

it('does no work for entries of N_j that are right, however many there are', () => {
  const members = Array.from({ length: 1_400 }, (_, index) => `"${'\u{10ffff}'.repeat(10)}${index}":1`)
  const tree = parseJson(recordBytes({ scales: '[0,1]', N_j: `{${members.join(',')}}` }))
  const refusalMs = (): number => {
    const beganMs = performance.now()
    expect(() => validateRecord(tree)).toThrow(MalformedRecord)
    return performance.now() - beganMs
  }
  const fastestMs = Math.min(...Array.from({ length: 20 }, refusalMs))
  expect(fastestMs).toBeLessThan(1)
})
