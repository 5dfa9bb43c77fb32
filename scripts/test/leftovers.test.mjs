import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { endMarked, leftovers, RUN_VARIABLE } from './leftovers.mjs'

describe('leftovers', () => {
  it('finds a process that carries the mark, also in a session of its own, and ends it', async (context) => {
    if (!existsSync('/proc')) context.skip('this system has no /proc to look into')
    const mark = randomUUID()
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      env: { [RUN_VARIABLE]: mark },
      detached: true,
      stdio: 'ignore',
    })
    const gone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)))
    const found = await leftovers(mark, 500)
    expect(found).toMatchObject([{ pid: child.pid }])
    expect(found?.[0]?.command).toContain('setInterval')
    endMarked(mark)
    expect(await gone).toBe('SIGKILL')
    expect(await leftovers(mark)).toEqual([])
  })

  it('finds nothing of another run', async (context) => {
    if (!existsSync('/proc')) context.skip('this system has no /proc to look into')
    expect(await leftovers(randomUUID())).toEqual([])
  })
})
