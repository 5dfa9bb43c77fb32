import { X509Certificate } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Authority } from './authority.js'
import { readIdentity, watchIdentity } from './identity.js'
import { anHourAround, IdentityFolder, testAuthority } from './testing/identity-folder.js'

const NEVER_MS = 2 ** 31 - 1

function folder(): IdentityFolder {
  const created = new IdentityFolder()
  onTestFinished(() => created.remove())
  return created
}

function issue(authority: Authority, name = 'wal') {
  return authority.issue({ name, dns: [name], ...anHourAround() })
}

describe('readIdentity', () => {
  it('reads a certificate, its key and its authority', async () => {
    const authority = await testAuthority()
    const at = folder()
    const pair = await issue(authority)
    at.write(pair, authority.cert)
    const identity = await readIdentity(at.files)
    expect(identity.cert.toString()).toBe(pair.cert)
    expect(identity.notAfterMs).toBe(Date.parse(new X509Certificate(pair.cert).validTo))
  })

  it('says what is wrong, and quotes nothing of it', async () => {
    const authority = await testAuthority()
    const at = folder()
    const pair = await issue(authority)
    const other = await issue(authority)
    const refused = async (cert: string, key: string, ca: string) => {
      at.write({ cert, key }, ca)
      return readIdentity(at.files).then(
        () => 'taken',
        (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : error),
      )
    }
    const { certFile, keyFile, caFile } = at.files
    expect(await refused(pair.cert, other.key, authority.cert)).toBe(
      `FileError: ${certFile} and ${keyFile} do not belong together`,
    )
    expect(await refused('secret', pair.key, authority.cert)).toBe(
      `FileError: ${certFile} is not a certificate in PEM`,
    )
    expect(await refused(pair.cert, 'secret', authority.cert)).toBe(
      `FileError: ${keyFile} is not a private key in PEM`,
    )
    expect(await refused(pair.cert, pair.key, 'secret')).toBe(
      `FileError: ${caFile} is not a certificate in PEM`,
    )
    const dayMs = 86_400_000
    const yesterday = anHourAround(Date.now() - dayMs)
    const old = await authority.issue({ name: 'wal', dns: ['wal'], ...yesterday })
    expect(await refused(old.cert, old.key, authority.cert)).toContain(`${certFile} has expired at `)
    const tomorrow = await authority.issue({ name: 'wal', dns: ['wal'], ...anHourAround(Date.now() + dayMs) })
    expect(await refused(tomorrow.cert, tomorrow.key, authority.cert)).toContain('is not valid before ')
    rmSync(keyFile)
    await expect(readIdentity(at.files)).rejects.toThrow(`${keyFile} cannot be read: ENOENT`)
  })
})

describe('watchIdentity', () => {
  async function watched() {
    const authority = await testAuthority()
    const at = folder()
    const first = await issue(authority)
    at.write(first, authority.cert)
    const problems: (string | undefined)[] = []
    const identity = await watchIdentity(at.files, {
      everyMs: NEVER_MS,
      onProblem: (problem) => problems.push(problem),
    })
    onTestFinished(() => identity.close())
    const seen: string[] = []
    identity.onChange(({ cert }) => seen.push(cert.toString()))
    return { authority, at, first, identity, problems, seen }
  }

  it('takes a new pair, and tells of it once', async () => {
    const { authority, at, identity, seen } = await watched()
    const second = await issue(authority)
    at.write(second, authority.cert)
    await identity.look()
    await identity.look()
    expect(seen).toEqual([second.cert])
    expect(identity.current.cert.toString()).toBe(second.cert)
  })

  it('takes a new list of authorities beside the same certificate', async () => {
    const { authority, at, first, identity, seen } = await watched()
    const next = await testAuthority('next')
    at.write(first, authority.cert + next.cert)
    await identity.look()
    expect(seen).toEqual([first.cert])
    expect(identity.current.ca?.toString()).toBe(authority.cert + next.cert)
  })

  it('keeps the last good pair, says why once, and says when it is over', async () => {
    const { authority, at, first, identity, problems, seen } = await watched()
    writeFileSync(at.files.keyFile, 'broken')
    await identity.look()
    await identity.look()
    expect(identity.current.cert.toString()).toBe(first.cert)
    expect(identity.problem).toBe(`${at.files.keyFile} is not a private key in PEM`)
    expect(problems).toEqual([identity.problem])
    at.write(await issue(authority), authority.cert)
    await identity.look()
    expect(problems.at(-1)).toBeUndefined()
    expect(seen).toHaveLength(1)
  })

  it('does not report a pair that is being written', async () => {
    const { authority, at, identity, problems } = await watched()
    const second = await issue(authority)
    writeFileSync(at.files.certFile, second.cert)
    const looked = identity.look()
    setTimeout(() => writeFileSync(at.files.keyFile, second.key), 50)
    await looked
    expect(problems).toEqual([])
    expect(identity.current.key.toString()).toBe(second.key)
  })
})
