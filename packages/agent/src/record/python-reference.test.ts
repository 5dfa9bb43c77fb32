import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { fixed9 } from './fixed-decimal.js'
import { GaussianSource } from './gaussian.js'
import { MersenneTwister } from './mersenne-twister.js'

const python = spawnSync('python3', ['-c', 'print(1)']).status === 0
const unless = python ? '' : ' (skipped: no python3 here)'

/** Runs a script that reads JSON from stdin as `given` and prints JSON. */
function runPython(script: string, given: unknown): unknown {
  const done = spawnSync('python3', ['-c', `import json, sys\ngiven = json.load(sys.stdin)\n${script}`], {
    input: JSON.stringify(given),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.status !== 0) throw new Error(done.stderr)
  return JSON.parse(done.stdout)
}

const POLAR = `
import math, random
def deviates(seed, count):
    state = [seed % 2**32]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) % 2**32)
    uniform = random.Random()
    uniform.setstate((3, tuple(state + [624]), None))
    found = []
    while len(found) < count:
        x1 = 2.0 * uniform.random() - 1.0
        x2 = 2.0 * uniform.random() - 1.0
        q = x1 * x1 + x2 * x2
        if 0.0 < q < 1.0:
            f = math.sqrt(-2.0 * math.log(q) / q)
            found += [f * x2, f * x1]
    return found[:count]
print(json.dumps([deviates(seed, 2000) for seed in given]))`

describe('what python3 computes', () => {
  it.skipIf(!python)(`20,000 doubles are written alike with nine decimals${unless}`, () => {
    const doubles = doublesToWrite(20_000)
    // Their bits travel, so that no conversion of the text stands between.
    const bits = doubles.map((value) => bitsOf(value).toString())
    const script = `
import struct
print(json.dumps(['%.9f' % struct.unpack('<d', struct.pack('<Q', int(b)))[0] for b in given]))`
    expect(doubles.map(fixed9)).toEqual(runPython(script, bits))
  })

  it.skipIf(!python)(`normal deviates are alike, but for a last place in a thousand${unless}`, () => {
    const seeds = [0, 1, 42, -1, -12345, 2 ** 32 - 1, 2 ** 53 - 1]
    const theirs = runPython(POLAR, seeds)
    if (!Array.isArray(theirs)) throw new Error('no list from python3')
    const expected = theirs.flat().map(Number)
    const own = seeds.flatMap((seed) => {
      const source = new GaussianSource(seed)
      return Array.from({ length: 2000 }, () => source.next())
    })
    expect(own).toHaveLength(expected.length)
    const different = own.filter((value, i) => value !== expected[i])
    const largest = Math.max(...own.map((value, i) => Math.abs(value / (expected[i] ?? 0) - 1)))
    expect(largest).toBeLessThan(1e-15)
    expect(different.length).toBeLessThan(own.length / 1000)
  })
})

/** Times of this century, ties, tiny and huge numbers, and any bits at all; the same at each run. */
function doublesToWrite(count: number): number[] {
  const random = new MersenneTwister(7)
  const kinds = [
    () => 1_700_000_000 + random.nextDouble() * 1e8,
    () => Number((random.nextDouble() * 2e9).toFixed(6)),
    () => (2 * Math.floor(random.nextDouble() * 2 ** 30) + 1) * 2 ** -10,
    () => (random.nextDouble() - 0.5) * 10 ** Math.floor(random.nextDouble() * 40 - 20),
    () => fromBits((BigInt(random.nextUint32()) << 32n) | BigInt(random.nextUint32())),
  ]
  return Array.from({ length: count }, (_, i) => kinds[i % kinds.length]?.() ?? 0).filter(Number.isFinite)
}

function bitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0)
}

function fromBits(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}
