import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repositoryRoot, startBranch } from '../../src/branch.js'
import { type Ran, runPcs } from '../../src/run-pcs.js'
import { useSystemInProcess } from '../../src/system.js'

interface AgentVector {
  readonly name: string
  readonly csv: string
  readonly seed: number
  readonly scales: readonly number[]
  readonly chunk_bytes: number
  readonly N_j: Readonly<Record<string, number>>
  readonly merkle_root: string
  readonly D_hat: number
  readonly coh_star: number
  readonly v_star: readonly number[]
  readonly r_about: number
}

interface Keys {
  readonly hmac: Readonly<Record<string, string>>
  readonly ed25519: Readonly<Record<string, string>>
}

const vectors: { readonly cases: readonly AgentVector[] } = JSON.parse(read('vectors/agent.json'))
const keys: Keys = JSON.parse(read('test/golden/throw-away-keys.json'))
const golden = ['sticky-line', 'mixed-walk', 'non-sticky-cloud'] as const

const system = useSystemInProcess('agent', { env: keys.hmac })

function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8')
}

/** Against this file's system, with its keys. */
function pcs(args: readonly string[], stdin = '', env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return runPcs(args, { env: { ENDPOINT: system().constellation.baseUrl, ...keys.hmac, ...env }, stdin })
}

describe('vectors/agent.json through pcs build', () => {
  it.each(vectors.cases)('$name', async (vector) => {
    const shard = vector.name.replaceAll(/\W/g, '-')
    const args = ['--in', '-', '--shard-id', shard, '--epoch', '1', '--seed', String(vector.seed), '--sign']
    const own = ['--scales', vector.scales.join(), '--chunk-bytes', String(vector.chunk_bytes)]
    const built = await pcs(['build', ...args, ...own], vector.csv)
    expect(built.code, built.err).toBe(0)
    const { N_j, merkle_root, D_hat, coh_star, v_star, r } = JSON.parse(built.out) as AgentVector & {
      r: number
    }
    expect({ N_j, merkle_root, D_hat }).toEqual({
      N_j: vector.N_j,
      merkle_root: vector.merkle_root,
      D_hat: vector.D_hat,
    })
    expect(coh_star).toBeCloseTo(vector.coh_star, 9)
    for (const [index, component] of v_star.entries())
      expect(component).toBeCloseTo(vector.v_star[index] ?? NaN, 8)
    expect(Math.abs(r - vector.r_about)).toBeLessThanOrEqual(0.15 * vector.r_about)
    const answer = await system().client.submit(built.out)
    expect(answer.status, answer.body.toString()).toBe(200)
  })
})

describe('test/golden', () => {
  it.each(golden)('%s is accepted, and again', async (name) => {
    const { client } = system()
    const text = read(`test/golden/${name}.pcs.json`)
    const first = await client.submit(text)
    expect([first.status, first.body.toString()]).toEqual([200, expect.stringContaining('"escalated":false')])
    const second = await client.submit(text)
    expect([second.headers['idempotent-replayed'], second.body]).toEqual(['true', first.body])
  })

  it('mixed-walk signed with Ed25519 is the same record', async () => {
    const first = await system().client.submit(read('test/golden/mixed-walk.pcs.json'))
    const { client } = await startBranch(system(), { verifier: keys.ed25519 })
    const second = await client.submit(read('test/golden/mixed-walk.ed25519.pcs.json'))
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(second.body).toEqual(first.body)
  })
})

describe('pcs', () => {
  const events = join(repositoryRoot, 'test/golden/mixed-walk.csv')
  const build = ['build', '--in', events, '--shard-id', 'by-hand', '--epoch', '1', '--seed', '42']

  it('builds, signs, verifies, submits and gets', async () => {
    const built = await pcs(build)
    expect(built.code, built.err).toBe(0)
    const signed = await pcs(['sign', '--in', '-'], built.out)
    expect(signed.code, signed.err).toBe(0)
    expect(await pcs(['verify', '--in', '-'], signed.out)).toMatchObject({ code: 0 })
    const first = await pcs(['submit', '--in', '-', '--json'], signed.out)
    expect(first.code, first.err).toBe(0)
    expect(JSON.parse(first.out)).toMatchObject({ status: 200, replayed: false })
    const second = await pcs(['submit', '--in', '-', '--json'], signed.out)
    expect(JSON.parse(second.out)).toMatchObject({ status: 200, replayed: true })
    const { pcs_id: id } = JSON.parse(built.out) as { pcs_id: string }
    const shown = await pcs(['get', id])
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining(id)])
  })

  it('says that it was refused, and why', async () => {
    const built = await pcs(build)
    const unsigned = await pcs(['submit', '--in', '-'], built.out)
    expect([unsigned.code, unsigned.out + unsigned.err]).toEqual([1, expect.stringMatching(/signature|401/i)])
    expect((await pcs(['get', 'a'.repeat(64)])).code).toBe(1)
    expect((await pcs(['submit', '--in', '-'], '{}')).code).toBe(1)
  })

  it('says that nobody was there', async () => {
    const { out } = await pcs([...build, '--sign'])
    const nobody = await pcs(['submit', '--in', '-'], out, { ENDPOINT: 'http://127.0.0.1:9' })
    expect([nobody.code, nobody.err]).toEqual([3, expect.stringMatching(/127\.0\.0\.1:9/)])
  })
})

describe('pcs check', () => {
  it('finds a record accepted, replayed, and refused when it was changed', async () => {
    const checked = await pcs(['check'])
    expect(checked.code, checked.err).toBe(0)
    expect(checked.out).toMatch(/^ready .*\naccepted +200, .*\nreplayed +200, .*\nrefused +401, .*\n$/)
  })

  it('says so when its key is not one of the system', async () => {
    const { code, err } = await pcs(['check'], '', { PCS_HMAC_KEY: 'a key that nobody knows' })
    expect(code).toBe(1)
    expect(err).toContain('got 401')
  })
})
