import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Secrets that a test has planted, by what they are. */
export type Planted = Readonly<Record<string, string>>

/** A text in which no secret may be, by where it was found. */
export interface SeenText {
  readonly where: string
  readonly text: string
}

/** Shorter ones could be there by chance. */
const LENGTH_MIN = 12

/** The secrets that are in these texts, as they are or in a usual coding: a sentence each, without the secret. */
export function leaks(planted: Planted, seen: readonly SeenText[]): readonly string[] {
  const found = Object.entries(planted).flatMap(([what, secret]) => {
    if (secret.length < LENGTH_MIN) throw new Error(`${what} is too short to be looked for`)
    return codings(secret).flatMap(([coding, coded]) =>
      seen.filter(({ text }) => text.includes(coded)).map(({ where }) => `${what} (${coding}) in ${where}`),
    )
  })
  return [...new Set(found)]
}

function codings(secret: string): readonly (readonly [name: string, text: string])[] {
  const bytes = Buffer.from(secret)
  const inBase64 = [0, 1, 2].map((before) => ['base64', base64Behind(bytes, before)] as const)
  return [
    ['as it is', secret],
    ...inBase64,
    ...inBase64.map(([, text]) => ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')] as const),
    ['hex', bytes.toString('hex')],
    ['in a URL', encodeURIComponent(secret)],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
  ]
}

/** What it is in base64 behind so many other bytes, without the characters that have bits of those, or of what follows. */
function base64Behind(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  return text.slice(Math.ceil((before * 8) / 6), -2)
}

/** What the system shows of a process to whoever may look: its command line, and its name. */
export async function shownOf(pid: number): Promise<readonly SeenText[]> {
  const read = async (name: string): Promise<SeenText> => ({
    where: `/proc/${name}`,
    text: await readFile(`/proc/${pid}/${name}`, 'latin1'),
  })
  return Promise.all([read('cmdline'), read('comm')])
}

/** All files below a directory but those of keys. */
export async function filesBelow(directory: string, isKey: (path: string) => boolean): Promise<SeenText[]> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(
    paths
      .filter((path) => !isKey(path))
      .map(async (where) => ({ where, text: await readFile(where, 'latin1') })),
  )
}
