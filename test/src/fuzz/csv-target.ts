import {
  buildRecord,
  type Events,
  MalformedCsv,
  readEvents,
  recordText,
  signRecord,
  UnbuildableRecord,
} from '@fractal-lba/agent/record'
import { hmacKey } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { type Random, seededRandom } from '../random.js'
import { changedBytes, oneOf, randomBytes } from './bytes.js'
import { corpusOf } from './corpus.js'
import { judged } from './judged.js'
import { FUZZ_KEY_TEXT } from './records.js'
import { type FuzzTarget, promised } from './target.js'

const HEADER = 'timestamp,x,y,z'
const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1.5',
    '.5',
    '5.',
    '+3e2',
    '1e-320',
    '1e290',
    '1e291',
    '-1e400',
    '0x10',
    '1_0',
    ' 1 ',
    '1e',
  ],
  ...[
    'nan',
    '-inf',
    '',
    '"1"',
    '1,5',
    '\u00a01',
    '0'.repeat(60),
    '9'.repeat(300),
    '1.7976931348623157e308',
    '٣',
  ],
] as const
const ENDS = ['\n', '\r\n', '\r', '\n\n', '\n \n', ',\n', ''] as const
const MATERIAL = {
  tokens: [...NUMBERS, ...ENDS, HEADER, ','].map((text) => Buffer.from(text)),
  others: corpusOf('csv'),
}
/** Nothing that could forge a line, or turn the direction of writing. */
const SENTENCE = /^events\.csv:\d+: [^\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,400}$/u
/** Building is dearer than reading by far: of so many files with few events, one is built. */
const BUILT_OF = 8
const BUILT_EVENTS_MAX = 64

/** CSV of events, read as an agent does; what can be read becomes a record that the services accept. */
export const csvTarget: FuzzTarget = {
  name: 'csv',
  input: (seed) => csv(seededRandom(seed)),
  async feed(input) {
    let events: Events
    try {
      events = readEvents(input)
    } catch (error) {
      if (!(error instanceof MalformedCsv)) throw error
      promised(SENTENCE.test(error.message), 'a refusal names the line in one line of printable text')
      return 'refused'
    }
    checkEvents(events, input)
    if (events.count > BUILT_EVENTS_MAX || input.length % BUILT_OF !== 0) return 'read'
    return build(input)
  },
}

function csv(random: Random): Buffer {
  const kind = random(8)
  if (kind === 0) return randomBytes(random, 100)
  if (kind === 1)
    return changedBytes(
      MATERIAL.others[random(MATERIAL.others.length)] ?? Buffer.from(HEADER),
      random,
      MATERIAL,
    )
  const isClean = kind > 4
  const number = (): string => {
    if (!isClean && random(12) === 0) return oneOf(NUMBERS, random)
    return String((random(2_000_001) - 1_000_000) / 10 ** random(8))
  }
  const end = (): string => (!isClean && random(12) === 0 ? oneOf(ENDS, random) : '\n')
  const count = random(16) === 0 ? random(300) : random(12)
  const lines = Array.from(
    { length: count },
    () => [number(), number(), number(), number()].join(',') + end(),
  )
  return Buffer.from(HEADER + end() + lines.join(''))
}

/** What was read stands in the file as it was written. */
function checkEvents({ count, timestamps, points, written }: Events, input: Buffer): void {
  const { x, y, z } = points
  promised(
    timestamps.length === count && x.length === count && z.length === count,
    'there are as many of each',
  )
  for (let at = 0; at < count; at += 1) {
    const text = input.toString('latin1', written.starts[at], written.ends[at])
    const numbers = text.split(',').map(Number)
    promised(numbers.length === 3, 'an event has three coordinates as they were written')
    const read = [x[at], y[at], z[at]]
    promised(
      read.every((value, column) => Object.is(value, numbers[column]) && Number.isFinite(value)),
      'they are its numbers',
    )
    promised(Number.isFinite(timestamps[at]), 'a time is a number')
  }
}

async function build(input: Buffer): Promise<string> {
  try {
    const built = buildRecord({
      csv: input,
      shardId: 'fuzz',
      epoch: 1,
      seed: 7,
      sentAt: '2026-01-01T00:00:00Z',
    })
    const text = recordText(signRecord(built, hmacKey(FUZZ_KEY_TEXT)))
    const { status } = await judged(Buffer.from(text), record.Encoding.ENCODING_JSON)
    promised(status === 200, `what an agent builds is accepted, not answered with ${status}`)
    return 'built, 200'
  } catch (error) {
    if (!(error instanceof UnbuildableRecord)) throw error
    return 'not buildable'
  }
}
