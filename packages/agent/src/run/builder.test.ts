import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defaultParameters } from '@fractal-lba/pcs'
import { afterEach, describe, expect, it } from 'vitest'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { Builder } from './builder.js'
import type { BuildTask } from './record-builder.js'

const folders = new TemporaryFolders()
const builders: Builder[] = []
afterEach(async () => {
  for (const builder of builders.splice(0)) await builder.close()
  folders.remove()
})

/** A thread that does with each task what the name of its file says. */
const PROGRAM = `
import { parentPort } from 'node:worker_threads'
parentPort.on('message', ({ name }) => {
  if (name === 'hang') for (;;);
  if (name === 'grow') for (const kept = []; ; ) kept.push({ name: String(kept.length) })
  if (name === 'throw') throw new Error('no')
  if (name === 'exit') process.exit(3)
  parentPort.postMessage({ kind: 'refused', why: name })
  if (name === 'answer, then exit') setTimeout(() => process.exit(3), 100)
})
`

function newBuilder(timeoutMs: number): Builder {
  const program = join(folders.make(), 'program.mjs')
  writeFileSync(program, PROGRAM)
  const rules = { seed: 1, params: defaultParameters }
  const builder = new Builder({ rules, timeoutMs, program: pathToFileURL(program) })
  builders.push(builder)
  return builder
}

const task = (name: string): BuildTask => ({ path: '/', name, identity: { shardId: 'a', epoch: 1 } })

describe('a builder', () => {
  it.each([
    ['throw', 60_000, 'no'],
    ['exit', 60_000, 'ended'],
    ['grow', 60_000, 'memory limit'],
    ['hang', 4_000, 'longer than 4000 ms'],
  ])('gives up one that does %s, and builds the next', async (name, timeoutMs, why) => {
    const builder = newBuilder(timeoutMs)
    expect(await builder.build(task(name))).toEqual({ kind: 'aborted', why: expect.stringContaining(why) })
    expect(await builder.build(task('good'))).toEqual({ kind: 'refused', why: 'good' })
  })

  it('does not let the late end of a thread settle the next build', async () => {
    const builder = newBuilder(4_000)
    expect(await builder.build(task('hang'))).toMatchObject({ kind: 'aborted' })
    // the thread that hung may still be ending
    for (const name of ['b', 'c', 'answer, then exit']) {
      expect(await builder.build(task(name))).toEqual({ kind: 'refused', why: name })
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await builder.build(task('d'))).toEqual({ kind: 'refused', why: 'd' })
  })

  it('gives up at once when it is closed', async () => {
    const builder = newBuilder(60_000)
    const building = builder.build(task('hang'))
    await builder.close()
    expect(await building).toEqual({ kind: 'unreadable', why: 'the agent is stopping' })
    expect(await builder.build(task('good'))).toMatchObject({ kind: 'unreadable' })
  })
})
