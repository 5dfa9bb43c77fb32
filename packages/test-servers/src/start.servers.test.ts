import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startPostgres } from './postgres.js'
import { postgresMissing } from './postgres-programs.js'
import { startRedis } from './redis.js'
import { startRedisCluster } from './redis-cluster.js'
import { redisMissing } from './redis-programs.js'
import { startSentinelSet } from './redis-sentinel.js'

const noRedis = await redisMissing()
const noPostgres = await postgresMissing()

async function started<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting
  onTestFinished(() => server.close())
  return server
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

describe.skipIf(noRedis)(`Redis for tests${noRedis ? ` (${noRedis})` : ''}`, () => {
  it('comes up twice side by side, and goes with its directory', async () => {
    const [one, two] = await Promise.all([started(startRedis()), started(startRedis())])
    await one.cli('set', 'a', '1')
    expect(await two.cli('exists', 'a')).toBe('0\n')
    await one.close()
    expect(existsSync(one.directory)).toBe(false)
    expect(await takesConnections(one.port)).toBe(false)
    expect(await two.cli('ping')).toBe('PONG\n')
  })

  it('stops, is killed, hangs and comes back', async () => {
    const redis = await started(startRedis({ config: { appendonly: 'yes' } }))
    await redis.cli('set', 'kept', 'yes')
    await redis.restart()
    expect(await redis.cli('get', 'kept')).toBe('yes\n')
    await redis.kill()
    await expect(redis.cli('ping')).rejects.toThrow('refused')
    await redis.restart()
    await redis.pause()
    const answer = redis.cli('get', 'kept')
    expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 200, 'nothing'))])).toBe(
      'nothing',
    )
    await redis.resume()
    expect(await answer).toBe('yes\n')
    await redis.pause()
  })

  it('forms a cluster with replicas', async () => {
    const cluster = await started(startRedisCluster({ replicas: true }))
    await vi.waitFor(
      async () => {
        const info = await cluster.masters[0]?.cli('-c', 'cluster', 'info')
        expect(info).toContain('cluster_slots_ok:16384')
      },
      { timeout: 30_000, interval: 50 },
    )
    expect(cluster.replicas).toHaveLength(3)
  })

  it('fails over to the replica when the master is gone', async () => {
    const set = await started(startSentinelSet())
    expect(await set.currentMaster()).toBe(set.master.address)
    await set.master.kill()
    await vi.waitFor(async () => expect(await set.currentMaster()).toBe(set.replica.address), {
      // A sentinel that stood still itself does nothing for 30 s.
      timeout: 90_000,
      interval: 100,
    })
  }, 120_000)

  it('is taken down when the process that started it is killed', async () => {
    const module = fileURLToPath(new URL('../dist/index.js', import.meta.url))
    const script = `const { startRedis } = await import(${JSON.stringify(module)})
      const server = await startRedis()
      console.log(JSON.stringify({ port: server.port, directory: server.directory }))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await new Promise<string[]>((resolve) =>
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().split('\n'))),
    )
    const { port, directory }: { port: number; directory: string } = JSON.parse(line ?? '')
    expect(await takesConnections(port)).toBe(true)
    child.kill('SIGKILL')
    await vi.waitFor(
      async () => {
        expect(await takesConnections(port)).toBe(false)
        expect(existsSync(directory)).toBe(false)
      },
      { timeout: 30_000, interval: 50 },
    )
  })
})

describe.skipIf(noPostgres)(`Postgres for tests${noPostgres ? ` (${noPostgres})` : ''}`, () => {
  it('comes up twice side by side, stops, is killed, comes back and goes', async () => {
    const [one, two] = await Promise.all([started(startPostgres()), started(startPostgres())])
    await one.kill()
    expect(await takesConnections(one.port)).toBe(false)
    expect(await takesConnections(two.port)).toBe(true)
    await one.restart()
    expect(await takesConnections(one.port)).toBe(true)
    await one.pause()
    await one.close()
    expect(existsSync(one.directory)).toBe(false)
    expect(await takesConnections(one.port)).toBe(false)
    expect(await takesConnections(two.port)).toBe(true)
  })
})
