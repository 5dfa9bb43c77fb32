import { describe, expect, it } from 'vitest'
import { CurrentLogLock } from './current-log-lock.js'

function door(): { open: () => void; opened: Promise<void> } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('CurrentLogLock', () => {
  it('lets many pass at once', async () => {
    const lock = new CurrentLogLock()
    const first = door()
    const one = lock.shared(() => first.opened)
    expect(await lock.shared(async () => 'through')).toBe('through')
    first.open()
    await one
  })

  it('lets one alone pass after those before it, and before those behind it', async () => {
    const lock = new CurrentLogLock()
    const seen: string[] = []
    const [first, second] = [door(), door()]
    const one = lock.shared(() => first.opened.then(() => seen.push('shared')))
    const alone = lock.exclusive(() => second.opened.then(() => seen.push('alone')))
    const two = lock.shared(async () => seen.push('behind'))
    const alone2 = lock.exclusive(async () => seen.push('alone 2'))
    await turns()
    expect(seen).toEqual([])
    first.open()
    await turns()
    expect(seen).toEqual(['shared'])
    second.open()
    await Promise.all([one, alone, two, alone2])
    expect(seen.slice(0, 2)).toEqual(['shared', 'alone'])
    expect([...seen].sort()).toEqual(['alone', 'alone 2', 'behind', 'shared'])
  })

  it('opens again after a failure', async () => {
    const lock = new CurrentLogLock()
    const failure = new Error('no')
    await expect(lock.exclusive(() => Promise.reject(failure))).rejects.toBe(failure)
    await expect(lock.shared(() => Promise.reject(failure))).rejects.toBe(failure)
    expect(await lock.exclusive(async () => 1)).toBe(1)
  })
})
