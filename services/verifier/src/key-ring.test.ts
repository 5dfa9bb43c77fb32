import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hmacKey, type KeyRing } from '@fractal-lba/pcs'
import { createLogger, StartError } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openKeys } from './key-ring.js'

const own = hmacKey('a key of the environment')
const id = (text: string): string => hmacKey(text).id
const idsOf = (ring: KeyRing): string[] => (ring.algorithm === 'none' ? [] : ring.keys.map((key) => key.id))
const fileOf = (...keys: object[]): string =>
  JSON.stringify({ keys: keys.map((key) => ({ algorithm: 'hmac', ...key })) })

/** A key file behind a link, as Kubernetes mounts a Secret. */
function mounted(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-keys-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'keys.yaml')
  let version = 0
  const write = (content: string): void => {
    version += 1
    writeFileSync(join(directory, `v${version}`), content)
    symlinkSync(`v${version}`, join(directory, 'next'))
    renameSync(join(directory, 'next'), path)
  }
  write(text)
  return { path, write }
}

async function opened(path: string, ring: KeyRing = { algorithm: 'hmac', keys: [own] }) {
  const lines: string[] = []
  const logger = createLogger('verifier', 'info', (line) => lines.push(line))
  const keys = await openKeys({ ring, keyFile: { path, everyMs: 20 } }, logger)
  onTestFinished(() => keys.close())
  return { keys, lines }
}

describe('the keys', () => {
  it('are those of the environment and of the file, whose rules go first', async () => {
    const notAfter = '2027-01-01T00:00:00Z'
    const { path } = mounted(
      fileOf(
        { key: 'a key of the file, not short' },
        { key: 'a key of the environment', not_after: notAfter },
      ),
    )
    const { keys } = await opened(path)
    expect(idsOf(keys.ring).sort()).toEqual([own.id, id('a key of the file, not short')].sort())
    const same = keys.ring.algorithm === 'none' ? undefined : keys.ring.keys.find((key) => key.id === own.id)
    expect(same?.rules.notAfterMs).toBe(Date.parse(notAfter))
  })

  it('follow the file, keep the last good ones where it is broken, and say so', async () => {
    const { path, write } = mounted(fileOf({ key: 'the first key of the file' }))
    const { keys, lines } = await opened(path)
    write(fileOf({ key: 'the first key of the file' }, { key: 'the second key of the file' }))
    await expect.poll(() => idsOf(keys.ring)).toContain(id('the second key of the file'))
    write('{ broken')
    await expect.poll(() => keys.problem).toContain('it is neither YAML nor JSON')
    expect(idsOf(keys.ring)).toContain(id('the second key of the file'))
    write(fileOf({ key: 'the second key of the file' }))
    await expect.poll(() => keys.problem).toBeUndefined()
    expect(idsOf(keys.ring)).not.toContain(id('the first key of the file'))
    expect(lines.join('\n')).toContain('the key file is not used, the keys before it are')
    expect(lines.join('\n')).not.toContain('of the file')
  })

  it('stop the start where the file is of no use', async () => {
    await expect(opened(mounted('nothing').path)).rejects.toThrow(StartError)
    await expect(opened('/nowhere/keys.yaml')).rejects.toThrow('/nowhere/keys.yaml cannot be read: ENOENT')
  })

  it('warn of one that can be guessed', async () => {
    const { lines } = await opened(mounted(fileOf({ key: 'short' }, { key: 'not a short one at all' })).path)
    expect(lines.filter((line) => line.includes('can be guessed'))).toEqual([
      expect.stringContaining(id('short')),
    ])
  })
})
