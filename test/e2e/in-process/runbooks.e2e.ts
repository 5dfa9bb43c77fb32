import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PcsDirectory, pcsDirectory } from '../../src/pcs-in-process.js'
import { textOf, twinOf } from '../../src/records.js'
import { runbookCommands, runCommands } from '../../src/runbook-commands.js'
import { addressOf, opsUrlOf, useSystemInProcess } from '../../src/system.js'

const PROGRAMS = ['bash', 'curl', 'jq'] as const
const hasPrograms = PROGRAMS.every((name) => spawnSync(name, ['--version']).status === 0)
const title = `commands of the runbooks${hasPrograms ? '' : ` (needs ${PROGRAMS.join(', ')})`}`
const commands = runbookCommands('run')
const runbooks = [...new Set(commands.map(({ runbook }) => runbook))]

describe.skipIf(!hasPrograms)(title, () => {
  const system = useSystemInProcess('runbooks', { env: { TOKEN_RATE: '1000' } })
  let env: Readonly<Record<string, string>> = {}
  let programs: PcsDirectory | undefined
  afterAll(() => programs?.close())

  // What a person who follows a runbook finds: one of each answer.
  beforeAll(async () => {
    const { client, records, site, constellation } = system()
    const record = records.next()
    const file = join(site.dataDir, 'record.json')
    writeFileSync(file, textOf(record))
    for (const [sent, status] of [
      [record, 200],
      [record, 200],
      [twinOf(record), 409],
      [{ ...records.next(), D_hat: 1 }, 401],
      [records.next({ budget: 0.9 }), 202],
    ] as const) {
      expect((await client.submit(textOf(sent))).status).toBe(status)
    }
    env = {
      ...{ GATEWAY: constellation.baseUrl, WAL: opsUrlOf(site, 'wal'), VERIFIER: opsUrlOf(site, 'verifier') },
      ...{ DEDUP: opsUrlOf(site, 'dedup'), SCORING: opsUrlOf(site, 'signal-scoring') },
      ...{ ENDPOINT: constellation.baseUrl, DATA_DIR: site.dataDir },
      ...{ WAL_ADDR: addressOf(site, 'wal'), DEDUP_ADDR: addressOf(site, 'dedup') },
      ...{ PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: site.hmacKey },
      ...{ PCS_ID: record.pcs_id, RECORD: file },
    }
    programs = await pcsDirectory(() => env)
  })

  // The same commands stand in several runbooks: once is enough.
  const runs = new Map<string, ReturnType<typeof runCommands>>()
  const runOnce = (text: string): ReturnType<typeof runCommands> => {
    const run = runs.get(text) ?? runCommands(text, env, programs?.path ?? '')
    runs.set(text, run)
    return run
  }

  it.concurrent.each(runbooks)('%s', async (runbook) => {
    for (const { text, exitCode } of commands.filter((candidate) => candidate.runbook === runbook)) {
      const { code, output } = await runOnce(text)
      expect(code, `${text}\n${output}`).toBe(exitCode)
    }
  })
})
