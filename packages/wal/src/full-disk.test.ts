import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isWalError, type WalErrorCode } from './errors.js'
import { nodeFiles } from './node-files.js'
import { hookedFiles } from './testing/hooked-files.js'
import {
  appendEach,
  openTestLog,
  readTexts,
  type TemporaryDirectory,
  temporaryDirectory,
  textRecord,
} from './testing/temporary-log.js'

let directory: TemporaryDirectory

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(() => directory.remove())

/** The code with which a call rejects. */
async function codeOf(call: Promise<unknown>): Promise<WalErrorCode | 'resolved'> {
  try {
    await call
    return 'resolved'
  } catch (error) {
    if (isWalError(error)) return error.code
    throw error
  }
}

describe('a full disk', () => {
  const full = Object.assign(new Error('ENOSPC: simulated'), { code: 'ENOSPC' })

  it.each<[string, (isFull: () => boolean) => Parameters<typeof hookedFiles>[1]]>([
    ['no free blocks', (isFull) => ({ freeBytes: () => (isFull() ? 0 : undefined) })],
    [
      'a write that finds none',
      (isFull) => ({
        write: (path) => {
          if (isFull() && path.endsWith('next.tmp')) throw full
          return undefined
        },
      }),
    ],
    [
      'a flush that finds none',
      (isFull) => ({
        datasync: (path) => {
          if (isFull() && path.endsWith('next.tmp')) throw full
        },
      }),
    ],
  ])('for a new segment (%s) refuses what does not fit, and goes on by itself', async (_name, hooksFor) => {
    let isFull = false
    const files = hookedFiles(
      nodeFiles,
      hooksFor(() => isFull),
    )
    const { log, events, fatal } = await openTestLog(directory.path, {
      files,
      segmentBytes: 8192,
      spaceRetryMs: 5,
    })
    const body = 'x'.repeat(1800)
    isFull = true
    await appendEach(log, [body, body]) // they still fit
    expect(await codeOf(log.append([textRecord(body)]))).toBe('out_of_space')
    expect(log.status().writable).toBe(false)
    // What was written of it is given back. (Each further try makes it anew.)
    await vi.waitFor(async () => expect(await directory.list()).not.toContain('next.tmp'), {
      timeout: 30_000,
      interval: 1,
    })
    expect(await readTexts(log)).toEqual([body, body])
    isFull = false
    await vi.waitFor(() => expect(log.status().writable).toBe(true), { timeout: 30_000 })
    expect(await log.append([textRecord(body)])).toBe(3)
    expect(events.map(({ type }) => type)).toEqual([
      'segment_created',
      'out_of_space',
      'space_available',
      'segment_created',
    ])
    expect(fatal).toEqual([])
    await log.close()
  })

  it('at the first opening opens the log read-only, and it takes appends when there is room', async () => {
    let isFull = true
    const files = hookedFiles(nodeFiles, { freeBytes: () => (isFull ? 100 : undefined) })
    const { log } = await openTestLog(directory.path, { files, spaceRetryMs: 5 })
    expect(log.status()).toMatchObject({ writable: false, firstSequence: 0 })
    expect(await codeOf(log.append([textRecord('a')]))).toBe('out_of_space')
    expect(await readTexts(log)).toEqual([])
    isFull = false
    await vi.waitFor(() => expect(log.status().writable).toBe(true), { timeout: 30_000 })
    expect(await log.append([textRecord('a')])).toBe(1)
    await log.close()
  })

  it('refuses a record that needs a new segment, and still takes one that does not', async () => {
    let isFull = false
    const files = hookedFiles(nodeFiles, { freeBytes: () => (isFull ? 0 : undefined) })
    const { log } = await openTestLog(directory.path, { files, segmentBytes: 8192, spaceRetryMs: 5 })
    isFull = true
    await appendEach(log, ['x'.repeat(3000)])
    expect(await codeOf(log.append([textRecord('x'.repeat(3000))]))).toBe('out_of_space')
    expect(await log.append([textRecord('short')])).toBe(2)
    await log.close()
  })
})
