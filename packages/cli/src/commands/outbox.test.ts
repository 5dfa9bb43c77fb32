import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Outbox } from '@fractal-lba/agent/outbox'
import {
  problemReaction,
  ScriptedPeer,
  smallRecord,
  smallRecordBytes,
  TemporaryFolders,
} from '@fractal-lba/agent/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
const peer = new ScriptedPeer()
let directory: string

beforeAll(() => peer.start())
afterAll(() => peer.stop())
beforeEach(() => {
  directory = folders.make()
  peer.script = () => 'judge'
})
afterEach(folders.remove)

const pcs = (words: string, stdin: string | Uint8Array = '') =>
  runPcs(['outbox', ...words.split(' '), '--outbox', directory], { env: { ENDPOINT: peer.endpoint }, stdin })
const add = (number: number, seed = 1) => pcs('add --in - --json', smallRecordBytes(number, seed))

describe('pcs outbox', () => {
  it('takes records, sends them and shows what became of them', async () => {
    expect(await add(1)).toEqual({
      code: 0,
      err: '',
      out: `{"outbox_seq":1,"pcs_id":"${smallRecord(1).pcs_id}","known":false}\n`,
    })
    expect((await add(1)).out).toContain('"known":true')
    const text = await pcs('add --in -', smallRecordBytes(2))
    expect(text).toMatchObject({ code: 0, err: '' })
    expect(text.out).toBe(`in the outbox\n  outbox_seq  2\n  pcs_id      ${smallRecord(2).pcs_id}\n`)

    peer.script = ({ outboxSeq }) =>
      outboxSeq === 2 ? problemReaction(401, 'unauthenticated', 'Unauthorized') : 'judge'
    expect(await pcs('send')).toEqual({ code: 1, err: '', out: '2 settled, 0 pending\n' })

    const list = await pcs('list --json')
    expect(list.code).toBe(0)
    expect(JSON.parse(list.out)).toEqual({
      directory,
      counts: { pending: 0, acknowledged: 1, dead: 1, conflict: 0 },
      entries: [
        {
          outbox_seq: 1,
          pcs_id: smallRecord(1).pcs_id,
          state: 'acknowledged',
          enqueued_at: expect.stringMatching(/Z$/),
          status: 200,
          replayed: false,
          attempts: 1,
          settled_at: expect.stringMatching(/Z$/),
          answer: expect.objectContaining({ pcs_id: smallRecord(1).pcs_id, accepted: true }),
        },
        expect.objectContaining({
          outbox_seq: 2,
          state: 'dead',
          status: 401,
          answer: { type: '/problems/unauthenticated', title: 'Unauthorized', status: 401 },
        }),
      ],
    })
    const people = await pcs('list')
    expect(people.out).toContain(`${directory}: 0 pending, 1 acknowledged, 1 dead, 0 in conflict\n`)
    expect(people.out).toContain('        200: accepted\n')
    expect(people.out).toContain('        401: Unauthorized\n')
    expect((await pcs('list --state dead')).out).not.toContain(smallRecord(1).pcs_id)
    expect((await pcs('list --limit 1')).out).toContain('the newest 1 of 2')
  })

  it('puts dead letters back, all or one', async () => {
    for (const number of [11, 12, 13]) await add(number)
    peer.script = () => problemReaction(400, 'malformed')
    expect(await pcs('send')).toMatchObject({ code: 1 })
    expect(await pcs('retry 2')).toMatchObject({ code: 0, out: expect.stringContaining('1 put back: ') })
    expect(await pcs('retry 2')).toMatchObject({
      code: 1,
      err: 'pcs: 2 is neither a dead letter nor in conflict\n',
    })
    expect(await pcs(`retry ${smallRecord(13).pcs_id} --json`)).toMatchObject({
      code: 0,
      out: '{"put_back":[3]}\n',
    })
    expect(await pcs('retry --json')).toMatchObject({ code: 0, out: '{"put_back":[1]}\n' })
    expect(await pcs('retry')).toMatchObject({ code: 0, out: '0 put back\n' })
    peer.script = () => 'judge'
    expect(await pcs('send --json')).toMatchObject({
      code: 0,
      out: '{"pending":0,"acknowledged":3,"dead":0,"conflict":0}\n',
    })
  })

  it('keeps a conflict where a person finds it', async () => {
    const { pcs_id } = smallRecord(21)
    peer.stored.set(pcs_id, 'what came first')
    await add(21)
    expect(await pcs('send')).toMatchObject({ code: 1 })
    expect((await pcs('list')).out).toContain('1 in conflict')
    expect(JSON.parse(readFileSync(join(directory, 'conflicts.jsonl'), 'utf8'))).toMatchObject({
      pcs_id,
      status: 409,
    })
    peer.stored.delete(pcs_id)
    expect(await pcs('retry --json')).toMatchObject({ code: 0, out: '{"put_back":[1]}\n' })
    expect(await pcs('send --json')).toMatchObject({
      code: 0,
      out: '{"pending":0,"acknowledged":1,"dead":0,"conflict":0}\n',
    })
  })

  it('compacts', async () => {
    for (const number of [31, 32]) await add(number)
    peer.script = ({ outboxSeq }) => (outboxSeq === 2 ? problemReaction(400, 'malformed') : 'judge')
    await pcs('send')
    expect(await pcs('compact --json')).toMatchObject({
      code: 0,
      out: '{"entries_before":2,"entries_after":1}\n',
    })
    expect(await pcs('compact --drop-dead')).toMatchObject({ code: 0, out: '1 dropped, 0 kept\n' })
    expect((await add(33)).out).toContain('"outbox_seq":3')
  })

  it('says 3 while nobody answers, and keeps all of it', async () => {
    await add(41)
    const args = [
      'outbox',
      'send',
      '--wait-s',
      '0',
      '--outbox',
      directory,
      '--endpoint',
      'http://127.0.0.1:9',
    ]
    expect(await runPcs(args)).toEqual({ code: 3, err: '', out: '0 settled, 1 pending\n' })
  })

  it('leaves an outbox alone that another process has, but shows it', async () => {
    const outbox = await Outbox.open(directory, {
      onFatal: (error) => {
        throw error
      },
    })
    await outbox.add(smallRecordBytes(51))
    for (const words of ['retry', 'compact', 'send']) {
      expect(await pcs(words)).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringContaining('Another process has'),
      })
    }
    expect(await add(52)).toMatchObject({ code: 3, err: expect.stringContaining('Another process has') })
    expect(await pcs('list')).toMatchObject({ code: 0, err: '', out: expect.stringContaining('1 pending') })
    await outbox.close()
  })

  it.each([
    ['add --in -', '{}', 1, 'is not a valid record'],
    ['add', '', 2, '--in must be given'],
    ['list', '', 1, 'there is no outbox in'],
    ['retry', '', 1, 'there is no outbox in'],
    ['compact', '', 1, 'there is no outbox in'],
    ['send', '', 1, 'there is no outbox in'],
    ['retry x', '', 2, 'must be a whole number'],
    ['retry 1 2', '', 2, 'unexpected argument 2'],
    ['list --state lost', '', 2, '--state must be one of'],
    ['shred', '', 2, 'unknown command outbox shred'],
  ])('%s of nothing ends with a sentence', async (words, stdin, code, sentence) => {
    const run = await pcs(words, stdin)
    expect(run).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) })
    expect(run.err).not.toContain('    at ')
    if (words === 'retry') expect(readdirSync(directory)).toEqual([])
  })

  it('refuses another record under an id that it knows, and what is full or wrong', async () => {
    await add(61)
    expect(await add(61, 2)).toMatchObject({ code: 1, err: expect.stringContaining('the first one stays') })
    const env = { OUTBOX_ENTRIES_MAX: '1' }
    const args = ['outbox', 'add', '--in', '-', '--outbox', directory]
    expect(await runPcs(args, { env, stdin: smallRecordBytes(62) })).toMatchObject({
      code: 1,
      err: expect.stringContaining('OUTBOX_ENTRIES_MAX=1 allows no more'),
    })
    expect(await runPcs(args, { env: { OUTBOX_ENTRIES_MAX: 'few' } })).toMatchObject({ code: 2 })
  })

  it('is kept below DATA_DIR by default', async () => {
    const args = ['outbox', 'add', '--in', '-']
    await runPcs(args, { env: { DATA_DIR: directory }, stdin: smallRecordBytes(71) })
    expect(readdirSync(directory)).toEqual(['outbox'])
    const other = folders.make()
    await runPcs(args, { env: { DATA_DIR: directory, OUTBOX_DIR: other }, stdin: smallRecordBytes(72) })
    expect(readdirSync(other)).toContain('current')
  })
})

describe('help', () => {
  it.each([[['outbox', '--help']], [['help', 'outbox']], [['outbox', '-h']]])(
    '%j lists the group',
    async (args) => {
      const { code, out } = await runPcs(args)
      expect(code).toBe(0)
      for (const name of ['add', 'list', 'send', 'retry', 'compact'])
        expect(out).toContain(`  outbox ${name} `)
    },
  )

  it.each([
    [['help', 'outbox', 'retry'], 'Usage: pcs outbox retry [ID]'],
    [['outbox', 'compact', '--help'], 'Usage: pcs outbox compact'],
    [['agent', 'run', '--help'], 'Usage: pcs agent run --watch DIR'],
  ])('%j tells of one', async (args, usage) => {
    const { code, out } = await runPcs(args)
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(usage) })
  })

  it('of a group without a command is a hint', async () => {
    expect(await runPcs(['outbox'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('pcs outbox --help'),
    })
  })
})
