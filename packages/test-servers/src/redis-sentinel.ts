import { freePort } from './ports.js'
import { type RedisServer, startRedis, startRedisProcess } from './redis.js'
import { untilLinked } from './redis-cluster.js'

const AGREEING_LIMIT_MS = 20_000

export interface SentinelSet {
  /** The name of the master group. */
  readonly name: string
  /** The one that was master at first. */
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinels: readonly RedisServer[]
  /** host:port, separated by commas. */
  readonly addresses: string
  /** host:port of the master that the sentinels agree on now. */
  currentMaster(): Promise<string>
  close(): Promise<void>
}

/** Three sentinels over one master with one replica; they notice a death within a second. */
export async function startSentinelSet({
  config = {},
}: {
  readonly config?: Readonly<Record<string, string>>
} = {}): Promise<SentinelSet> {
  const name = 'dedup'
  const started: RedisServer[] = []
  const keep = (server: RedisServer): RedisServer => {
    started.push(server)
    return server
  }
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()))
  }
  try {
    const master = keep(await startRedis({ config: config }))
    const follows = { replicaof: `${master.host} ${master.port}` }
    const replica = keep(await startRedis({ config: { ...follows, ...config } }))
    await untilLinked(replica)
    const sentinels: RedisServer[] = []
    for (let count = 0; count < 3; count += 1) {
      const port = await freePort()
      const group = {
        port: String(port),
        'sentinel monitor': `${name} ${master.host} ${master.port} 2`,
        'sentinel down-after-milliseconds': `${name} 500`,
        'sentinel failover-timeout': `${name} 3000`,
      }
      sentinels.push(keep(await startRedisProcess('redis-sentinel', port, group, { asFile: true })))
    }
    await untilTheyKnowEachOther(sentinels, name)
    const addresses = sentinels.map(({ address }) => address).join(',')
    const currentMaster = (): Promise<string> => agreedMaster(sentinels, name)
    return { name, master, replica, sentinels, addresses, currentMaster, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function untilTheyKnowEachOther(sentinels: readonly RedisServer[], name: string): Promise<void> {
  const deadlineMs = performance.now() + AGREEING_LIMIT_MS
  for (const sentinel of sentinels) {
    for (;;) {
      const lines = (await sentinel.cli('sentinel', 'master', name)).split('\n')
      const countOf = (key: string): number => Number(lines[lines.indexOf(key) + 1])
      if (countOf('num-other-sentinels') === sentinels.length - 1 && countOf('num-slaves') === 1) break
      if (performance.now() > deadlineMs) throw new Error('the sentinels have not found each other')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function agreedMaster(sentinels: readonly RedisServer[], name: string): Promise<string> {
  const deadlineMs = performance.now() + AGREEING_LIMIT_MS
  for (;;) {
    const answers = await Promise.all(
      sentinels.map(async (sentinel) =>
        (await sentinel.cli('sentinel', 'get-master-addr-by-name', name)).trim().replace('\n', ':'),
      ),
    )
    const [first] = answers
    if (first !== undefined && answers.every((answer) => answer === first)) return first
    if (performance.now() > deadlineMs) throw new Error(`the sentinels do not agree: ${answers.join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
