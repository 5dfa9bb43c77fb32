import { describe, expect, it } from 'vitest'
import { Gate } from './current-log-lock.js'

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

describe('Gate', () => {
  it('lets many pass at once', async () => {
    const gate = new Gate()
    const first = door()
    const one = gate.shared(() => first.opened)
    expect(await gate.shared(async () => 'through')).toBe('through')
    first.open()
    await one
  })

  it('lets one alone pass after those before it, and before those behind it', async () => {
    const gate = new Gate()
    const seen: string[] = []
    const [first, second] = [door(), door()]
    const one = gate.shared(() => first.opened.then(() => seen.push('shared')))
    const alone = gate.alone(() => second.opened.then(() => seen.push('alone')))
    const two = gate.shared(async () => seen.push('behind'))
    const alone2 = gate.alone(async () => seen.push('alone 2'))
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
    const gate = new Gate()
    const failure = new Error('no')
    await expect(gate.alone(() => Promise.reject(failure))).rejects.toBe(failure)
    await expect(gate.shared(() => Promise.reject(failure))).rejects.toBe(failure)
    expect(await gate.alone(async () => 1)).toBe(1)
  })
})
