import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { randomDouble, seededRandom } from '../testing/random.js'
import { fieldsOf, signingVectors } from '../testing/vectors.js'
import { fingerprintText, pythonFloat, pythonString, round9, signingText } from './canonical.js'
import { fractalDimension } from './signals.js'

const hasPython = spawnSync('python3', ['-c', '']).status === 0
const unless = hasPython ? '' : ' (skipped: no python3 here)'

/** Runs a script over `given`, which it reads from stdin; it prints its answer as JSON. Doubles travel as their bits. */
function askPython(script: string, given: unknown): unknown {
  const done = spawnSync('python3', ['-c', `${prelude}\ngiven = json.load(sys.stdin)\n${script}`], {
    input: JSON.stringify(given),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.status !== 0) throw new Error(done.stderr)
  return JSON.parse(done.stdout)
}

const prelude = `
import json, math, struct, sys
from decimal import Decimal, ROUND_HALF_UP, getcontext
getcontext().prec = 1000
def double(bits): return struct.unpack(">d", bytes.fromhex(bits))[0]
def bits(double): return struct.pack(">d", double).hex()
def round9(x): return float(Decimal(repr(x)).quantize(Decimal("1e-9"), ROUND_HALF_UP))
def canonical(fields): return json.dumps(fields, sort_keys=True, separators=(",", ":"))
`

function bitsOf(double: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(double)
  return bytes.toString('hex')
}

const random = seededRandom(271828)
const count = 20_000

/** Doubles of every kind that matters: ties and their neighbours, few decimals, many, and any bits. */
function interestingDouble(): number {
  const sign = random() < 0.5 ? -1 : 1
  const size = 10 ** Math.floor(random() * 9)
  switch (Math.floor(random() * 6)) {
    case 0:
      return (
        sign *
        Number(`${Math.floor(random() * size)}.${String(Math.floor(random() * 1e9)).padStart(9, '0')}5`)
      )
    case 1:
      return (
        sign *
        (Number(`${Math.floor(random() * size)}.${String(Math.floor(random() * 1e9)).padStart(9, '0')}5`) +
          Number.EPSILON * size * (random() - 0.5) * 8)
      )
    case 2:
      return sign * Number((random() * size).toFixed(Math.floor(random() * 12)))
    case 3:
      return sign * random() * size
    case 4:
      return sign * random() * 10 ** -Math.floor(random() * 14)
    default:
      return randomDouble(random)
  }
}

describe.skipIf(!hasPython)(`beside CPython${unless}`, () => {
  it('round9 is decimal ROUND_HALF_UP on repr', () => {
    const doubles = Array.from({ length: count }, interestingDouble)
    const expected = askPython(
      'print(json.dumps([bits(round9(double(b))) for b in given]))',
      doubles.map(bitsOf),
    )
    expect(doubles.map((x) => bitsOf(round9(x)))).toEqual(expected)
  })

  it('pythonFloat is repr', () => {
    const doubles = Array.from({ length: count }, interestingDouble)
    for (let exponent = -323; exponent <= 308; exponent++) doubles.push(Number(`1e${exponent}`))
    for (let exponent = -1074; exponent <= 1023; exponent++) doubles.push(2 ** exponent)
    const expected = askPython('print(json.dumps([repr(double(b)) for b in given]))', doubles.map(bitsOf))
    expect(doubles.map(pythonFloat)).toEqual(expected)
  })

  it('pythonString is json.dumps', () => {
    const point = () => {
      const value = Math.floor(random() < 0.6 ? random() * 0x100 : random() * 0x110000)
      return value >= 0xd800 && value <= 0xdfff ? 0x20 : value
    }
    const strings = Array.from({ length: 3000 }, () =>
      String.fromCodePoint(...Array.from({ length: random() * 12 }, point)),
    )
    for (let code = 0; code < 0x100; code++) strings.push(String.fromCharCode(code))
    const expected = askPython('print(json.dumps([json.dumps(s) for s in given]))', strings)
    expect(strings.map(pythonString)).toEqual(expected)
  })

  it('both texts are json.dumps with sorted keys', () => {
    const [first] = signingVectors.fingerprints
    const base = fieldsOf(first?.pcs_json ?? '')
    const records = Array.from({ length: 1000 }, () => {
      const scales = Array.from({ length: 2 + random() * 10 }, () => Math.floor(2 ** (random() * 53)))
      return {
        ...base,
        epoch: Math.floor(random() * Number.MAX_SAFE_INTEGER),
        shard_id: String.fromCodePoint(32 + Math.floor(random() * 0xd000), 0x1f680, 34, 92),
        D_hat: interestingDouble(),
        coh_star: interestingDouble(),
        r: interestingDouble(),
        budget: interestingDouble(),
        v_star: [interestingDouble(), interestingDouble(), interestingDouble()] as const,
        seed: Math.floor((random() - 0.5) * Number.MAX_SAFE_INTEGER),
        scales,
        N_j: new Map(scales.map((scale) => [String(scale), Math.floor(random() * 1e6)])),
      }
    })
    const given = records.map((record) => ({
      ...record,
      floats: [record.D_hat, record.coh_star, record.r, record.budget].map(bitsOf),
      v_star: record.v_star.map(bitsOf),
      N_j: Object.fromEntries(record.N_j),
    }))
    const script = `
texts = []
for record in given:
    floats = record.pop("floats")
    for name, b in zip(("D_hat", "coh_star", "r", "budget"), floats): record[name] = round9(double(b))
    record["v_star"] = [double(b) for b in record["v_star"]]
    eight = ("pcs_id", "merkle_root", "epoch", "shard_id", "D_hat", "coh_star", "r", "budget")
    texts.append([canonical({name: record[name] for name in eight}), canonical(record)])
print(json.dumps(texts))`
    expect(records.map((record) => [signingText(record), fingerprintText(record)])).toEqual(
      askPython(script, given),
    )
  })

  it('fractalDimension is the element at half the length of the sorted slopes', () => {
    const cases = Array.from({ length: 300 }, () => {
      const scales = Array.from({ length: 2 + random() * 63 }, () => 1 + Math.floor(random() ** 3 * 5000))
      return { scales, counts: scales.map(() => Math.floor(random() ** 4 * 1e7)) }
    })
    const script = `
answers = []
for case in given:
    points = [(math.log2(s), math.log2(max(1, n))) for s, n in zip(case["scales"], case["counts"])]
    slopes = sorted((y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points)
                    for x2, y2 in points[i + 1:] if abs(x2 - x1) >= 1e-9)
    answers.append(round9(slopes[len(slopes) // 2]) + 0.0 if slopes else None)
print(json.dumps(answers))`
    expect(cases.map(({ scales, counts }) => fractalDimension(scales, counts))).toEqual(
      askPython(script, cases),
    )
  })
})
