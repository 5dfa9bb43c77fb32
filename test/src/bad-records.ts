import { nested, withFields, withFirst } from './record-text.js'
import type { TestRecord } from './records.js'

/** A body that must be refused with a 400. */
export interface BadBody {
  readonly name: string
  readonly body: (record: TestRecord) => string | Buffer
  /** Where an error must be told; undefined: one entry with the offset of the syntax error. */
  readonly pointer?: string
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Puts bytes into the shard id, where every text may stand. */
function withBytes(record: TestRecord, bytes: Buffer): Buffer {
  const [head = '', tail = ''] = JSON.stringify({ ...record, shard_id: 'HERE' }).split('HERE')
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)])
}

/** Every line of the contract's section 6, and what JSON itself forbids. */
export const badTexts: readonly BadBody[] = [
  { name: 'an empty body', body: () => '' },
  { name: 'white space alone', body: () => ' \n\t\r' },
  ...['1', '-0.5', '"x"', 'true', 'false', 'null', '[]', '[{}]'].map((body) => ({
    name: `not an object: ${body}`,
    body: () => body,
    pointer: '',
  })),
  { name: 'a byte-order mark', body: (record) => `\ufeff${JSON.stringify(record)}` },
  { name: 'UTF-16', body: (record) => Buffer.from(JSON.stringify(record), 'utf16le') },
  { name: 'invalid UTF-8: a lone byte', body: (record) => withBytes(record, latin1('\xff')) },
  { name: 'invalid UTF-8: a lone continuation', body: (record) => withBytes(record, latin1('\x80')) },
  { name: 'invalid UTF-8: cut', body: (record) => withBytes(record, latin1('\xe2\x82')) },
  { name: 'invalid UTF-8: overlong', body: (record) => withBytes(record, latin1('\xc0\xaf')) },
  { name: 'invalid UTF-8: a surrogate', body: (record) => withBytes(record, latin1('\xed\xa0\x80')) },
  { name: 'invalid UTF-8: beyond U+10FFFF', body: (record) => withBytes(record, latin1('\xf4\x90\x80\x80')) },
  { name: 'a duplicate key', body: (record) => withFirst(record, `"epoch":${record.epoch}`) },
  { name: 'a duplicate key, escaped', body: (record) => withFirst(record, '"epo\\u0063h":1') },
  {
    name: 'a duplicate key inside ft',
    body: (record) =>
      withFields(record, { ft: JSON.stringify(record.ft).replace('{', '{"degraded":false,') }),
  },
  { name: 'a duplicate key in N_j', body: (record) => withFields(record, { N_j: '{"2":3,"2":3}' }) },
  { name: 'a duplicate ignored key', body: (record) => withFirst(record, '"x":1,"x":1') },
  {
    name: 'a duplicate key deep in an ignored field',
    body: (record) => withFirst(record, '"x":[{"a":{"b":1,"\\u0062":2}}]'),
  },
  { name: 'a duplicate __proto__', body: (record) => withFirst(record, '"__proto__":1,"__proto__":2') },
  { name: 'a lone high surrogate', body: (record) => withFields(record, { shard_id: '"\\ud83d"' }) },
  { name: 'a lone low surrogate', body: (record) => withFields(record, { shard_id: '"\\ude80"' }) },
  {
    name: 'surrogates the wrong way round',
    body: (record) => withFields(record, { shard_id: '"\\ude80\\ud83d"' }),
  },
  { name: 'a lone surrogate in an ignored field', body: (record) => withFirst(record, '"x":["\\udfff"]') },
  { name: 'a lone surrogate in a key', body: (record) => withFirst(record, '"\\ud800":1') },
  { name: 'a number that overflows', body: (record) => withFields(record, { D_hat: '1e400' }) },
  { name: 'a number that overflows downwards', body: (record) => withFields(record, { r: '-1e400' }) },
  { name: 'a long number that overflows', body: (record) => withFields(record, { budget: '9'.repeat(400) }) },
  { name: 'an ignored number that overflows', body: (record) => withFirst(record, '"x":{"y":1e400}') },
  { name: 'nesting beyond 16', body: (record) => withFirst(record, `"x":${nested(16)}`) },
  {
    name: 'nesting beyond 16 in a named field',
    body: (record) => withFields(record, { scales: nested(16, '2') }),
  },
  { name: 'nesting without end', body: () => nested(20_000) },
  { name: 'nesting that is never closed', body: () => '{"x":'.repeat(10_000) },
  { name: 'trailing bytes', body: (record) => `${JSON.stringify(record)}x` },
  { name: 'a second record', body: (record) => JSON.stringify(record).repeat(2) },
  { name: 'a trailing zero byte', body: (record) => `${JSON.stringify(record)}\0` },
  { name: 'another white space at the end', body: (record) => `${JSON.stringify(record)}\u00a0` },
  { name: 'another white space at the beginning', body: (record) => `\u2003${JSON.stringify(record)}` },
  { name: 'half a record', body: (record) => JSON.stringify(record).slice(0, 300) },
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    '01',
    '+1',
    '.5',
    '1.',
    '0x1',
    '1e',
    '1_0',
    "'x'",
    'undefined',
    'True',
    '-',
  ].map((text) => ({
    name: `not JSON: ${text}`,
    body: (record: TestRecord) => withFields(record, { r: text }),
  })),
  ...['"\t"', '"\n"', '"\\x41"', '"\\u00g0"', '"\\u12"', '"open', '"\0"'].map((text) => ({
    name: `not a JSON string: ${JSON.stringify(text)}`,
    body: (record: TestRecord) => withFields(record, { shard_id: text }),
  })),
  { name: 'a trailing comma', body: (record) => JSON.stringify(record).replace(/}$/, ',}') },
  { name: 'a missing comma', body: (record) => JSON.stringify(record).replace(',', ' ') },
  { name: 'a comment', body: (record) => `/* x */${JSON.stringify(record)}` },
  { name: 'a key without quotes', body: (record) => withFirst(record, 'x:1') },
  { name: 'a form', body: () => 'pcs_id=1&epoch=2' },
]

const DIGITS = '0123456789abcdef'.repeat(4)
const integers = { epoch: 0, attempt: 1, seed: -(2 ** 53 - 1) } as const
const wrongTypes = ['null', 'true', '"1"', '[]', '{}']
const wrongTexts = ['null', 'true', '1', '[]', '{}', '""']
/** 2^53, one more than an integer may be. */
const TOO_LARGE = '9007199254740992'

/** Every rule for fields of the contract's section 1: the field, its text on the wire, where the error is told. */
const fieldCases: readonly FieldCase[] = [
  ...['pcs_id', 'schema', 'version', 'shard_id', 'epoch', 'attempt', 'sent_at', 'seed', 'scales', 'N_j'].map(
    missing,
  ),
  ...['coh_star', 'v_star', 'D_hat', 'r', 'regime', 'budget', 'merkle_root', 'ft'].map(missing),
  ...['pcs_id', 'schema', 'version', 'shard_id', 'sent_at', 'regime', 'merkle_root'].flatMap((field) =>
    wrongTexts.map((text) => [field, text] as const),
  ),
  ...Object.keys(integers).flatMap((field) =>
    [...wrongTypes, '1.0', '1e3', '1E0', '0.5', TOO_LARGE, `-${TOO_LARGE}`].map(
      (text) => [field, text] as const,
    ),
  ),
  ['epoch', '-1'],
  ['attempt', '0'],
  ['attempt', '-1'],
  ...['coh_star', 'D_hat', 'r', 'budget'].flatMap((field) =>
    wrongTypes.map((text) => [field, text] as const),
  ),
  ['pcs_id', `"${DIGITS.toUpperCase()}"`],
  ['pcs_id', `"${DIGITS.slice(1)}"`],
  ['pcs_id', `"${DIGITS}0"`],
  ['pcs_id', `"${DIGITS.slice(1)}g"`],
  ['pcs_id', `"${DIGITS}\\n"`],
  ['schema', '"fractal-lba-kakeya "'],
  ['schema', '"Fractal-lba-kakeya"'],
  ['version', '"1.0"'],
  ['version', '"0"'],
  ['version', '"0.1.0"'],
  ['version', '"0.01"'],
  ['version', '"0.x"'],
  ['version', '"00.1"'],
  ['version', '"0.1\\n"'],
  ['shard_id', JSON.stringify('x'.repeat(257))],
  ['shard_id', JSON.stringify('🚀'.repeat(257))],
  ...['\\u0000', '\\n', '\\u001f', '\\u007f', '\\u0080', '\\u009f'].map(
    (text) => ['shard_id', `"a${text}"`] as const,
  ),
  ...[
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+0100',
    '2026-01-01T00:00:00.Z',
    '26-01-01T00:00:00Z',
    'yesterday',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\\n',
  ].map((text) => ['sent_at', `"${text}"`] as const),
  ...[...wrongTypes.filter((text) => text !== '[]'), '[]', '[2]'].map((text) => ['scales', text] as const),
  ['scales', JSON.stringify(Array.from({ length: 65 }, (_, index) => index + 1))],
  ...['0', '-1', '1.0', '"2"', 'null', '[]', TOO_LARGE].map(
    (text) => ['scales', `[2,${text}]`, '/scales/1'] as const,
  ),
  ...wrongTypes.filter((text) => text !== '{}').map((text) => ['N_j', text] as const),
  ['N_j', '{}', '/N_j/2'],
  ['N_j', '{"2":3,"4":5,"8":9,"16":17}', '/N_j/32'],
  ['N_j', '{"2":3,"4":5,"8":9,"16":17,"32":31,"64":1}', '/N_j/64'],
  ['N_j', '{"2":3,"4":5,"8":9,"16":17,"32":31,"02":3}', '/N_j/02'],
  ['N_j', '{"2.0":3,"4":5,"8":9,"16":17,"32":31}', '/N_j/2'],
  ...['-1', '1.0', '1e1', '"3"', 'null', '{}', TOO_LARGE].map(
    (text) => ['N_j', `{"2":${text},"4":5,"8":9,"16":17,"32":31}`, '/N_j/2'] as const,
  ),
  ...['[]', '[1,2]', '[1,2,3,4]', '{}', 'null', '"x"'].map((text) => ['v_star', text] as const),
  ...['null', '"1"', 'true', '[]'].map((text) => ['v_star', `[1,${text},3]`, '/v_star/1'] as const),
  ...['"Sticky"', '"non-sticky"', '"sticky "'].map((text) => ['regime', text] as const),
  ['merkle_root', JSON.stringify('a'.repeat(129))],
  ['merkle_root', '"AB"'],
  ['merkle_root', '"ab|cd"'],
  ['merkle_root', '"0x12"'],
  ...['null', '[]', '"x"', '1'].map((text) => ['ft', text] as const),
  ...['outbox_seq', 'degraded', 'fallbacks', 'clock_skew_ms'].flatMap((field) => [
    ftCase(field, undefined),
    ftCase(field, 'null'),
    ftCase(field, '"x"'),
    ftCase(field, '{}'),
  ]),
  ftCase('outbox_seq', '-1'),
  ftCase('outbox_seq', '1.0'),
  ftCase('outbox_seq', TOO_LARGE),
  ftCase('degraded', '0'),
  ftCase('clock_skew_ms', '0.5'),
  ftCase('clock_skew_ms', `-${TOO_LARGE}`),
  ftCase('fallbacks', JSON.stringify(Array.from({ length: 65 }, () => 'x'))),
  ftCase('fallbacks', JSON.stringify(['ok', 'x'.repeat(257)]), '/ft/fallbacks/1'),
  ftCase('fallbacks', '["ok",1]', '/ft/fallbacks/1'),
]

type FieldCase = readonly [field: string, text: string | undefined, pointer?: string]

function missing(field: string): FieldCase {
  return [field, undefined]
}

function ftCase(field: string, text: string | undefined, pointer = `/ft/${field}`): FieldCase {
  const ft = { outbox_seq: '1', degraded: 'false', fallbacks: '[]', clock_skew_ms: '0', [field]: text }
  const members = Object.entries(ft).filter(([, value]) => value !== undefined)
  return ['ft', `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`, pointer]
}

export const badFields: readonly Required<BadBody>[] = fieldCases.map(
  ([field, text, pointer = `/${field}`]) => ({
    name:
      text === undefined
        ? `${field} missing`
        : `${field}: ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`,
    body: (record) => withFields(record, { [field]: text }),
    pointer,
  }),
)
