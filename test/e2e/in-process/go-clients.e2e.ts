import { execFile } from 'node:child_process'
import type { ServiceName } from '@fractal-lba/runtime'
import { goProgram, loadPrograms } from '@fractal-lba/test-servers'
import { describe, expect, it } from 'vitest'
import { type TestRecord, textOf } from '../../src/records.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'
import { typed } from '../../src/typed-record.js'

// Clients of other people, who know of the servers only what reflection tells them.

const grpcurlProgram = await goProgram({
  name: 'grpcurl',
  goPackage: 'github.com/fullstorydev/grpcurl/cmd/grpcurl',
  version: 'v1.9.3',
})
const ghzProgram = await goProgram(loadPrograms.ghz)
const LIMIT_MS = 60_000
const NOBODYS_ID = '9'.repeat(64)

const servers: readonly (readonly [ServiceName, string])[] = [
  ['gateway', 'flk.ingest.v1.IngestService'],
  ['wal', 'flk.wal.v1.WalService'],
  ['verifier', 'flk.verifier.v1.VerifierService'],
  ['dedup', 'flk.dedup.v1.DedupService'],
  ['signal-scoring', 'flk.scoring.v1.ScoringService'],
]

if ('missing' in grpcurlProgram) it.skip(`grpcurl through reflection alone (${grpcurlProgram.missing})`)
describe.skipIf('missing' in grpcurlProgram)('grpcurl through reflection alone', () => {
  const system = useSystemInProcess('grpcurl')
  const record = () => inJson(system().records.next())
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const json = (body: string) => ({ body: base64(body), encoding: 'ENCODING_JSON' })

  const grpcurl = (name: ServiceName, ...args: string[]) => {
    const flags = args.filter((arg) => arg.startsWith('-'))
    const words = args.filter((arg) => !arg.startsWith('-'))
    return ran(grpcurlProgram, ['-plaintext', ...flags, addressOf(system().site, name), ...words])
  }
  const call = (name: ServiceName, method: string, request: object) => {
    const data = ['-plaintext', '-d', JSON.stringify(request), addressOf(system().site, name), method]
    return ran(grpcurlProgram, data)
  }
  const answer = async (name: ServiceName, method: string, request: object): Promise<unknown> => {
    const { code, output } = await call(name, method, request)
    expect(code, output).toBe(0)
    return JSON.parse(output)
  }

  describe.each(servers)('%s', (name, service) => {
    it('lists its service, health and reflection', async () => {
      const { output } = await grpcurl(name, 'list')
      const reflection = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection']
      expect(output.trim().split('\n').sort()).toEqual(
        [service, 'grpc.health.v1.Health', ...reflection].sort(),
      )
      const { output: methods } = await grpcurl(name, 'list', service)
      expect(methods).toContain(`${service}.`)
    })

    it('describes all that it serves', async () => {
      const { code, output } = await grpcurl(name, 'describe')
      expect(code, output).toBe(0)
      expect(output).toContain(`${service} is a service`)
      expect(output).toContain('grpc.health.v1.Health is a service')
      for (const symbol of ['google.rpc.BadRequest', 'flk.record.v1.Outcome', 'grpc.health.v1.Health']) {
        const { code, output } = await grpcurl(name, 'describe', symbol)
        expect([code, output], symbol).toEqual([0, expect.stringContaining(symbol)])
      }
      const { code: unknown, output: sentence } = await grpcurl(name, 'describe', 'flk.none.v1.Nothing')
      expect(unknown).not.toBe(0)
      expect(sentence).toContain('not found')
    })

    it('says that it is serving', async () => {
      const serving = () => answer(name, 'grpc.health.v1.Health/Check', { service })
      await expect.poll(serving, { timeout: 10_000 }).toEqual({ status: 'SERVING' })
    })
  })

  it('submits a record, twice, and reads its outcome', async () => {
    const submitted = record()
    const submit = 'flk.ingest.v1.IngestService/Submit'
    const first = await answer('gateway', submit, { record: submitted })
    expect(first).toMatchObject({ result: { outcome: { pcsId: submitted.pcsId }, httpStatus: 200 } })
    const again = await answer('gateway', submit, { record: submitted })
    expect(again).toMatchObject({ result: { replayed: true } })
    const read = { pcsId: submitted.pcsId }
    expect(await answer('gateway', 'flk.ingest.v1.IngestService/GetOutcome', read)).toEqual(again)
  })

  it('calls each of the services behind', async () => {
    const { records } = system()
    expect(await answer('wal', 'flk.wal.v1.WalService/GetState', {})).toMatchObject({ takesAppends: true })
    expect(await answer('dedup', 'flk.dedup.v1.DedupService/GetState', {})).toMatchObject({ answers: true })
    const verify = 'flk.verifier.v1.VerifierService/Verify'
    const verified = await answer('verifier', verify, json(textOf(records.next())))
    expect(verified).toMatchObject({ record: { idMatches: true } })
    const judged = await answer('signal-scoring', 'flk.scoring.v1.ScoringService/Judge', verified as object)
    expect(judged).toMatchObject({ judgement: { outcome: { accepted: true } } })
  })

  it.each<readonly [ServiceName, string, object, readonly string[]]>([
    ['gateway', 'flk.ingest.v1.IngestService/Submit', {}, ['InvalidArgument', '/pcs_id', 'is missing']],
    [
      'gateway',
      'flk.ingest.v1.IngestService/GetOutcome',
      { pcsId: NOBODYS_ID },
      ['NotFound', 'is stored under this id'],
    ],
    ['wal', 'flk.wal.v1.WalService/DriveAgain', { sequence: 7 }, ['InvalidArgument', 'no dead letter']],
    ['verifier', 'flk.verifier.v1.VerifierService/Verify', json('{}'), ['InvalidArgument', '/pcs_id']],
    ['dedup', 'flk.dedup.v1.DedupService/Get', { pcsId: NOBODYS_ID }, ['NotFound']],
    ['signal-scoring', 'flk.scoring.v1.ScoringService/Judge', {}, ['InvalidArgument']],
  ])('shows why %s refused %s', async (name, method, request, parts) => {
    const { code, output } = await call(name, method, request)
    expect(code).not.toBe(0)
    expect(output).not.toMatch(/cannot resolve|unknown|@value/i)
    for (const part of parts) expect(output).toContain(part)
  })
})

if ('missing' in ghzProgram) it.skip(`ghz without a proto file (${ghzProgram.missing})`)
describe.skipIf('missing' in ghzProgram)('ghz without a proto file', () => {
  const system = useSystemInProcess('ghz')

  it('submits records', async () => {
    const { site, records } = system()
    const data = Array.from({ length: 40 }, () => ({ record: inJson(records.next()) }))
    const { code, output } = await ran(ghzProgram, [
      ...['--insecure', '--call', 'flk.ingest.v1.IngestService.Submit', '-n', `${data.length}`, '-c', '4'],
      ...['--format', 'json', '--data', JSON.stringify(data), addressOf(site, 'gateway')],
    ])
    expect(code, output).toBe(0)
    expect(JSON.parse(output)).toMatchObject({
      count: data.length,
      statusCodeDistribution: { OK: data.length },
    })
  })
})

/** The record of the protocol as JSON writes it. */
function inJson(record: TestRecord) {
  return { ...typed(record), nJ: record.N_j }
}

interface Ran {
  readonly code: number
  /** stdout, and stderr behind it. */
  readonly output: string
}

function ran(program: Awaited<ReturnType<typeof goProgram>>, args: readonly string[]): Promise<Ran> {
  if ('missing' in program) throw new Error(program.missing)
  return new Promise((resolve) => {
    execFile(program.path, args, { timeout: LIMIT_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? -1) : 0
      resolve({ code, output: stdout + stderr })
    })
  })
}
