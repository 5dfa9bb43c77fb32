import { bytesOfVerdict, dedup, record, scoring, verdictFromBytes, verifier, wal } from '@fractal-lba/proto'
import { connect } from '@fractal-lba/runtime'
import { type Client, credentials, status as Grpc } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dynamicClient, reflectionClient } from '../../src/dynamic-grpc.js'
import { textOf, twinOf } from '../../src/records.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'
import { refusalOf, unary } from '../../src/unary.js'
import { until } from '../../src/until.js'

const system = useSystemInProcess('grpc-services')
const JSON_TEXT = record.Encoding.ENCODING_JSON

const servers = [
  { name: 'gateway', service: 'flk.ingest.v1.IngestService', file: 'flk/ingest/v1/ingest.proto' },
  { name: 'wal', service: 'flk.wal.v1.WalService', file: 'flk/wal/v1/wal.proto' },
  { name: 'verifier', service: 'flk.verifier.v1.VerifierService', file: 'flk/verifier/v1/verifier.proto' },
  { name: 'dedup', service: 'flk.dedup.v1.DedupService', file: 'flk/dedup/v1/dedup.proto' },
  { name: 'signal-scoring', service: 'flk.scoring.v1.ScoringService', file: 'flk/scoring/v1/scoring.proto' },
] as const

function closing<C extends Client>(client: C): C {
  onTestFinished(() => client.close())
  return client
}

describe.each(servers)('$name', ({ name, service, file }) => {
  it('says that it is serving', async () => {
    const health = connect({}, { service: name, address: addressOf(system().site, name) })
    onTestFinished(() => health.close())
    await until('it says so', 10_000, () => health.isServing(2_000))
  })

  it.each(['v1', 'v1alpha'] as const)('reflection %s shows its service and its messages', async (version) => {
    const client = closing(reflectionClient(version, addressOf(system().site, name)))
    const listed = await reflect(client, { list_services: '' })
    const names = listed.list_services_response?.service.map((entry) => entry.name)
    expect(names).toContain(service)
    const symbol = await reflect(client, { file_containing_symbol: service })
    expect(symbol.file_descriptor_response?.file_descriptor_proto.length).toBeGreaterThan(0)
    expect(symbol.error_response ?? undefined).toBeUndefined()
  })

  it('is called by clients made from the .proto files', async () => {
    const client = closing(dynamicClient(file, service, addressOf(system().site, name)))
    expect(await refusalOf(dynamicCall(client, 'Nothing'))).toMatchObject({ code: Grpc.UNIMPLEMENTED })
  })
})

interface ReflectionAnswer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] }
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] }
  readonly error_response?: { readonly error_message: string }
}

function reflect(client: Client, request: object): Promise<ReflectionAnswer> {
  return new Promise((resolve, reject) => {
    const { ServerReflectionInfo: open } = client as unknown as {
      ServerReflectionInfo: () => NodeJS.ReadWriteStream & { write: (value: object) => boolean }
    }
    const stream = open.call(client)
    stream.on('data', (answer) => resolve(answer as unknown as ReflectionAnswer))
    stream.on('error', reject)
    stream.write(request)
    stream.end()
  })
}

function dynamicCall(client: Client, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const identity = (value: Buffer): Buffer => value
    client.makeUnaryRequest(`/none/${method}`, identity, identity, Buffer.alloc(0), (error, value) =>
      error ? reject(error) : resolve(value),
    )
  })
}

describe('the plain calls of each service', () => {
  function clients() {
    const at = (name: (typeof servers)[number]['name']) => addressOf(system().site, name)
    const insecure = credentials.createInsecure()
    return {
      wal: closing(new wal.WalServiceClient(at('wal'), insecure)),
      verifier: closing(new verifier.VerifierServiceClient(at('verifier'), insecure)),
      dedup: closing(new dedup.DedupServiceClient(at('dedup'), insecure)),
      scoring: closing(new scoring.ScoringServiceClient(at('signal-scoring'), insecure)),
    }
  }

  it('verifier and scoring: the same verdict as over HTTP', async () => {
    const { records, client } = system()
    const { verifier: verify, scoring: judge } = clients()
    const record = records.next({ budget: 0.9 })
    const body = Buffer.from(textOf(record))
    const { record: verified } = await unary(verify.verify.bind(verify), { body, encoding: JSON_TEXT })
    expect(verified).toMatchObject({
      pcsId: record.pcs_id,
      idMatches: true,
      dHat: record.D_hat,
      scales: record.scales,
    })
    expect(verified?.fingerprint.length).toBe(33)
    expect(verified?.fingerprint[0]).toBe(1)
    expect(verified?.keyId).not.toContain(system().site.hmacKey)
    const { judgement } = await unary(judge.judge.bind(judge), { record: verified })
    expect(judgement?.outcome).toMatchObject({ accepted: true, escalated: true, reason: 'budget_deviation' })
    expect(judgement?.parameters).toMatchObject({ tolD: 0.15, alpha: 0.3, d0: 2.2 })
    const overHttp = JSON.parse((await client.submit(textOf(record))).body.toString()) as { message: string }
    expect(judgement?.outcome?.message).toBe(overHttp.message)
  })

  it('verifier: INVALID_ARGUMENT, UNAUTHENTICATED, and an id that does not match', async () => {
    const { records } = system()
    const { verifier: client } = clients()
    const verify = (text: string, encoding = JSON_TEXT) =>
      unary(client.verify.bind(client), { body: Buffer.from(text), encoding })
    expect((await refusalOf(verify('{}'))).violations?.length).toBeGreaterThan(10)
    expect((await refusalOf(verify(textOf({ ...records.next(), sig: '' })))).code).toBe(Grpc.UNAUTHENTICATED)
    const unknown = record.Encoding.ENCODING_UNSPECIFIED
    expect((await refusalOf(verify(textOf(records.next()), unknown))).code).toBe(Grpc.INVALID_ARGUMENT)
    const answer = await verify(textOf(records.next({ pcs_id: 'a'.repeat(64) })))
    expect(answer.record?.idMatches).toBe(false)
  })

  it('verifier: batches over a stream carry their numbers', async () => {
    const { records } = system()
    const { verifier: client } = clients()
    const stream = client.verifyBatches()
    const answers: verifier.VerifyBatchesResponse[] = []
    const ended = new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    stream.on('data', (answer: verifier.VerifyBatchesResponse) => answers.push(answer))
    const item = (text: string) => ({ body: Buffer.from(text), encoding: JSON_TEXT })
    stream.write({ batch: 7, items: [item(textOf(records.next())), item('x')], contexts: [] })
    stream.write({ batch: 9, items: [], contexts: [] })
    stream.end()
    await ended
    expect(answers.map(({ batch, results }) => [batch, results.map(({ result }) => result?.$case)])).toEqual([
      [7, ['verified', 'error']],
      [9, []],
    ])
  })

  it('verifier: more than 256 in a batch is refused', async () => {
    const { verifier: client } = clients()
    const stream = client.verifyBatches()
    const items = Array.from({ length: 257 }, () => ({
      body: Buffer.from('x'),
      encoding: JSON_TEXT,
    }))
    const refused = refusalOf(new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject)))
    stream.on('data', () => undefined)
    stream.write({ batch: 1, items, contexts: [] })
    expect((await refused).code).toBe(Grpc.RESOURCE_EXHAUSTED)
  })

  it('wal: append, mark, marks read back, a mark for another log refused', async () => {
    const { wal: client } = clients()
    const { wal: reader } = system()
    const item = { body: Buffer.from('by hand'), encoding: JSON_TEXT, liveMs: 10_000, arrivedAtMs: 0 }
    const { position } = await unary(client.append.bind(client), { item })
    const sequence = position?.sequence ?? 0
    expect(position?.logId).toMatch(/^[0-9a-f]{32}$/)
    expect((await reader.state()).openCount).toBe(1)
    const mark = {
      sequence,
      status: 400,
      verdict: undefined,
      indexed: false,
      generation: '',
      replayed: false,
    }
    const markDone = (logId: string) => unary(client.markDone.bind(client), { item: { logId, mark } })
    expect((await refusalOf(markDone('0'.repeat(32)))).code).toBe(Grpc.FAILED_PRECONDITION)
    await markDone(position?.logId ?? '')
    expect((await reader.state()).openCount).toBe(0)
    const [stored] = await reader.marks(sequence)
    expect(stored?.mark).toMatchObject({ sequence, status: 400 })
    expect(Math.abs((stored?.flushedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(await reader.marks(sequence + 2)).toEqual([])
  })

  it('wal: the chain moves with every record', async () => {
    const { wal: reader, client, records } = system()
    const before = await reader.state()
    await client.submit(textOf(records.next()))
    const after = await reader.state()
    expect(after.nextSequence).toBe(before.nextSequence + 2)
    expect(after.headChain).toMatch(/^[0-9a-f]{64}$/)
    expect(after.headChain).not.toBe(before.headChain)
    expect(after).toMatchObject({ logId: before.logId, takesAppends: true, refusal: '' })
  })

  it('wal: an indexed mark of another generation is refused', async () => {
    const { wal: client } = clients()
    const item = { body: Buffer.from('by hand'), encoding: JSON_TEXT, liveMs: 10_000, arrivedAtMs: 0 }
    const { position } = await unary(client.append.bind(client), { item })
    const { logId = '', sequence = 0 } = position ?? {}
    const mark = {
      sequence,
      status: 200,
      verdict: undefined,
      indexed: true,
      generation: 'of yesterday',
      replayed: false,
    }
    const stale = unary(client.markDone.bind(client), { item: { logId, mark } })
    expect((await refusalOf(stale)).code).toBe(Grpc.FAILED_PRECONDITION)
    const refused = { ...mark, status: 400, indexed: false, generation: '' }
    await unary(client.markDone.bind(client), { item: { logId, mark: refused } })
  })

  it('dedup: what is stored, duplicates, conflicts, and what is not there', async () => {
    const { records, client: http } = system()
    const { dedup: client, verifier: verify } = clients()
    const record = records.next()
    await http.submit(textOf(record))
    const fingerprintOf = async (text: string): Promise<Buffer> => {
      const { record: verified } = await unary(verify.verify.bind(verify), {
        body: Buffer.from(text),
        encoding: JSON_TEXT,
      })
      return verified?.fingerprint ?? Buffer.alloc(0)
    }
    const lookup = async (fingerprint: Buffer, pcsId = record.pcs_id) => {
      const item = { pcsId, fingerprint, origin: { logId: '0'.repeat(32), sequence: 1 } }
      return (await unary(client.lookup.bind(client), { item })).answer
    }
    const same = await fingerprintOf(textOf(record))
    const standing = await lookup(same)
    expect(standing?.finding).toBe(dedup.Finding.FINDING_DUPLICATE)
    expect(verdictFromBytes(standing?.verdict)?.fingerprint).toEqual(same)
    const other = await fingerprintOf(textOf(twinOf(record)))
    expect(await lookup(other)).toMatchObject({ finding: dedup.Finding.FINDING_CONFLICT })
    expect(await lookup(same, '9'.repeat(64))).toMatchObject({ finding: dedup.Finding.FINDING_ABSENT })
    const { verdict } = await unary(client.get.bind(client), { pcsId: record.pcs_id })
    expect(verdict).toMatchObject({ fingerprint: same, outcome: { pcsId: record.pcs_id, accepted: true } })
    const unknown = unary(client.get.bind(client), { pcsId: '9'.repeat(64) })
    expect((await refusalOf(unknown)).code).toBe(Grpc.NOT_FOUND)
  })

  it('dedup: its state, and first write wins', async () => {
    const { dedup: client, wal: log } = clients()
    const state = await unary(client.getState.bind(client), {})
    expect(state).toMatchObject({ backend: 'memory', takesPuts: true, answers: true })
    const item = { body: Buffer.from('by hand'), encoding: JSON_TEXT, liveMs: 60_000, arrivedAtMs: 0 }
    const { position: origin } = await unary(log.append.bind(log), { item })
    const verdict = (byte: number): record.Verdict => ({
      outcome: {
        ...record.Outcome.decode(Buffer.alloc(0)),
        pcsId: '8'.repeat(64),
        accepted: true,
        params: 'x',
      },
      fingerprint: Buffer.from([1, ...Buffer.alloc(32, byte)]),
      keyId: 'by-hand',
      parameters: record.Parameters.decode(Buffer.alloc(0)),
      judgedAtMs: Date.now(),
      origin,
    })
    const put = async (value: record.Verdict) =>
      (
        await unary(client.putIfAbsent.bind(client), {
          item: { verdict: bytesOfVerdict(value) },
        })
      ).answer
    expect((await put(verdict(1)))?.finding).toBe(dedup.Finding.FINDING_OWN)
    const second = await put(verdict(2))
    expect(second?.finding).toBe(dedup.Finding.FINDING_CONFLICT)
    expect(verdictFromBytes(second?.verdict)?.fingerprint).toEqual(verdict(1).fingerprint)
  })
})
