import { tmpdir } from 'node:os'
import { accounted, namedTarget, runSmoke } from '@fractal-lba/load'
import { describe, expect, it } from 'vitest'
import { textOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

// 600 records: one in fifty is malformed, and the chance that none is stays below one in a hundred thousand.
const [SECONDS, SCALE] = [4, 1.5]

describe('npm run load', () => {
  const system = useSystemInProcess('load')

  /** A short smoke. @param beside what somebody else does meanwhile */
  async function smoke(beside: () => Promise<unknown> = async () => undefined) {
    const { constellation, site, walDirectory } = system()
    const named = namedTarget(constellation.baseUrl, undefined, { PCS_HMAC_KEY: site.hmacKey })
    const own = { walDir: walDirectory, port: site.port, cpuMs: () => 0, complaints: () => [] }
    const { signal } = new AbortController()
    const context = { root: '.', reportDir: tmpdir(), seconds: SECONDS, scale: SCALE, signal, say: () => {} }
    const run = accounted({ ...named, own }, runSmoke, context, () => {})
    await beside()
    return run
  }
  const differing = ({ account }: Awaited<ReturnType<typeof smoke>>) =>
    account.filter(({ agrees }) => !agrees).map(({ what }) => what)

  it('accounts for every record of each kind, in the metrics and in the log', async () => {
    const found = await smoke()
    expect(found.generated.gates.filter(({ holds }) => !holds)).toEqual([])
    expect(found.generated.sent.kinds).toMatchObject({
      new: expect.any(Number),
      malformed: expect.any(Number),
    })
    expect(differing(found)).toEqual([])
    expect(found.samples.length).toBeGreaterThan(0)
  })

  it('says so when the product did more than was sent', async () => {
    const { client, records } = system()
    const found = await smoke(() => client.submit(textOf(records.next())))
    expect(differing(found)).toEqual(expect.arrayContaining(['answers 200', 'appended to the log']))
  })
})
