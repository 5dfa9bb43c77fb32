import { createLogger } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Monitor, type Watched } from './monitor.js'

const LOG = { takesAppends: true, refusal: '' }
const INDEX = { answers: true, takesPuts: true, refusal: '', storeDown: false }

/** A monitor of services that answer what the test says, now. */
function watching() {
  const services = { log: LOG as object | undefined, index: INDEX as object | undefined, up: true }
  const asked = { log: 0 }
  const said = async (state: object | undefined) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (!state) throw new Error('gone')
    return state
  }
  const watched = {
    wals: [
      {
        address: 'log',
        state: () => {
          asked.log += 1
          return said(services.log)
        },
      },
    ],
    dedup: { state: () => said(services.index) },
    verifier: async () => services.up,
    scoring: async () => services.up,
  } as unknown as Watched
  const monitor = new Monitor(watched, createLogger('gateway', 'fatal'))
  onTestFinished(() => monitor.close())
  return { monitor, services, asked }
}

describe('the monitor', () => {
  it('says of a store that cannot be asked that it is down, also while the index is not filled', async () => {
    const { monitor, services } = watching()
    services.index = { answers: false, takesPuts: false, refusal: 'Redis does not answer', storeDown: true }
    await monitor.look()
    expect(monitor.report().dependencies.store).toEqual({ state: 'down', detail: 'Redis does not answer' })
    services.index = { answers: false, takesPuts: false, refusal: 'half of it is read', storeDown: false }
    await monitor.look()
    expect(monitor.report().dependencies.store).toEqual({ state: 'filling', detail: 'half of it is read' })
  })

  it('gives who asks during a look the next one, and all of them the same', async () => {
    const { monitor, services, asked } = watching()
    const first = monitor.look()
    services.log = undefined
    const others = [monitor.look(), monitor.look(), monitor.look()]
    await first
    await Promise.all(others)
    expect(monitor.report()).toMatchObject({ status: 'not_ready', dependencies: { wal: { state: 'down' } } })
    expect(asked.log).toBe(2)
  })

  it('tells who follows it of every change', async () => {
    const { monitor, services } = watching()
    const told: string[] = []
    await monitor.look()
    monitor.follow(() => told.push(monitor.report().status))
    services.log = { takesAppends: false, refusal: 'full' }
    await monitor.look()
    services.log = LOG
    await monitor.look()
    monitor.drain()
    expect(told).toEqual(['ready', 'not_ready', 'ready', 'not_ready'])
  })

  it('prefers a log that the index has fenced: another one would refuse the marks of its answers', async () => {
    const { monitor, services } = watching()
    const suitability = async (log: object | undefined, index: object | undefined) => {
      services.log = log
      services.index = index
      await monitor.look()
      return monitor.suitability('log')
    }
    expect(monitor.suitability('log')).toBe(0)
    expect(await suitability({ ...LOG, generation: 'now' }, { ...INDEX, generation: 'now' })).toBe(2)
    expect(await suitability({ ...LOG, generation: '' }, { ...INDEX, generation: 'now' })).toBe(1)
    expect(await suitability({ ...LOG, generation: '' }, { ...INDEX, answers: false, generation: '' })).toBe(
      1,
    )
    expect(await suitability({ ...LOG, generation: 'now' }, undefined)).toBe(1)
    expect(await suitability({ ...LOG, takesAppends: false, generation: 'now' }, undefined)).toBe(0)
    expect(await suitability(undefined, { ...INDEX, generation: 'now' })).toBe(0)
  })
})
