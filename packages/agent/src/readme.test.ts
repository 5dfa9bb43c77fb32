import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { ScriptedPeer } from './testing/scripted-peer.js'
import { TemporaryFolders } from './testing/temporary-folder.js'

const packageDirectory = fileURLToPath(new URL('..', import.meta.url))
const folders = new TemporaryFolders()
afterAll(folders.remove)

/** The n-th JavaScript snippet of the README, as it stands there. */
function snippet(index: number): string {
  const readme = readFileSync(`${packageDirectory}/README.md`, 'utf8')
  const code = [...readme.matchAll(/^```js\n(.*?)^```$/gms)][index]?.[1]
  if (code === undefined) throw new Error(`the README has no snippet ${index}`)
  return code
}

/** Runs it as a stranger would: as a module of its own over the built package. */
async function outputOf(code: string, env: Record<string, string>): Promise<string> {
  const args = ['--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: packageDirectory,
    env: { PCS_HMAC_KEY: 'testsecret', ...env },
    timeout: 50_000,
  })
  return stdout
}

describe('the README', () => {
  it('submits in ten lines, also while the gateway is not ready yet', async () => {
    const peer = await new ScriptedPeer().start()
    peer.script = ({ times }) => (times === 1 ? { status: 503 } : 'judge')
    try {
      expect(snippet(0).trim().split('\n').length).toBeLessThanOrEqual(10)
      const output = await outputOf(snippet(0), { ENDPOINT: peer.endpoint })
      expect(output).toBe(`${peer.arrivals[0]?.pcsId} true\n`)
      expect(peer.arrivals.map(({ text }) => text)).toEqual(Array(2).fill(peer.arrivals[0]?.text))
    } finally {
      await peer.stop()
    }
  })

  it('keeps a record in an outbox until it is judged', async () => {
    const peer = await new ScriptedPeer().start()
    try {
      const env = { ENDPOINT: peer.endpoint, OUTBOX_DIR: folders.make() }
      expect(await outputOf(snippet(1), env)).toContain('pending: 0, acknowledged: 1')
      expect(peer.firstVerdicts.size).toBe(1)
    } finally {
      await peer.stop()
    }
  })
})
