import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from '../lib/run.mjs'

const GENERATED = 'packages/proto/src/gen'
const DESCRIPTORS = 'packages/proto/descriptors.binpb'
const LIMIT_MS = 60_000

/**
 * Generates the code of the protocols again, elsewhere, and compares it with what is committed.
 * @param {string} root
 * @returns {Promise<string | undefined>} a sentence when they differ
 */
export async function generatedDifference(root) {
  const place = mkdtempSync(join(tmpdir(), 'fractal-lba-generated-'))
  try {
    const buf = (/** @type {string[]} */ ...args) =>
      run(join(root, 'node_modules/.bin/buf'), args, { cwd: root, limitMs: LIMIT_MS })
    for (const args of [
      ['generate', '--output', place],
      ['build', '--as-file-descriptor-set', '--output', join(place, 'descriptors.binpb')],
    ]) {
      const { code, output } = await buf(...args)
      if (code !== 0) return `buf ${args[0]} failed:\n${output}`
    }
    const files = [
      ...differences(join(root, GENERATED), join(place, GENERATED)).map((file) => join(GENERATED, file)),
      ...(isSame(join(root, DESCRIPTORS), join(place, 'descriptors.binpb')) ? [] : [DESCRIPTORS]),
    ]
    if (files.length === 0) return undefined
    return `the committed code is not what the protocols generate: run npm run generate and commit ${files.join(', ')}`
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/**
 * @param {string} one
 * @param {string} other
 * @returns {string[]} files that are in one of the directories only, or differ
 */
export function differences(one, other) {
  const files = new Set([...filesBelow(one), ...filesBelow(other)])
  return [...files].filter((file) => !isSame(join(one, file), join(other, file))).sort()
}

/** @param {string} directory */
function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
}

/**
 * @param {string} one
 * @param {string} other
 */
function isSame(one, other) {
  const [a, b] = [contentOf(one), contentOf(other)]
  return a !== undefined && b !== undefined && a.equals(b)
}

/** @param {string} file */
function contentOf(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
