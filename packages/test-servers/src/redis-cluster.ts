import { freePort } from './ports.js'
import { type RedisServer, startRedis } from './redis.js'

const SLOTS = 16_384
const FORMING_LIMIT_MS = 20_000

export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  /** One for each master, in their order; none unless asked for. */
  readonly replicas: readonly RedisServer[]
  close(): Promise<void>
}

/** Starts a Redis Cluster whose masters share the slots evenly, and waits until all agree on that. */
export async function startRedisCluster({
  masters = 3,
  replicas = false,
  config = {},
}: {
  readonly masters?: number
  readonly replicas?: boolean
  readonly config?: Readonly<Record<string, string>>
} = {}): Promise<RedisCluster> {
  const nodes: RedisServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    for (let count = masters * (replicas ? 2 : 1); count > 0; count -= 1) nodes.push(await startNode(config))
    await form(nodes.slice(0, masters), nodes.slice(masters))
  } catch (error) {
    await close()
    throw error
  }
  return { masters: nodes.slice(0, masters), replicas: nodes.slice(masters), close }
}

async function startNode(config: Readonly<Record<string, string>>): Promise<RedisServer> {
  const busPort = await freePort()
  return startRedis({
    config: {
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-node-timeout': '1000',
      'cluster-port': String(busPort),
      ...config,
    },
  })
}

async function form(masters: readonly RedisServer[], replicas: readonly RedisServer[]): Promise<void> {
  const [first] = masters
  if (!first) throw new RangeError('a cluster has at least one master')
  const busPortOf = async (node: RedisServer): Promise<string> =>
    (await node.cli('config', 'get', 'cluster-port')).split('\n')[1] ?? ''
  for (const [index, node] of masters.entries()) {
    const from = Math.floor((index * SLOTS) / masters.length)
    const to = Math.floor(((index + 1) * SLOTS) / masters.length) - 1
    await node.cli('cluster', 'addslotsrange', String(from), String(to))
    await node.cli('cluster', 'set-config-epoch', String(index + 1))
  }
  const all = [...masters, ...replicas]
  for (const node of all.slice(1)) {
    await first.cli('cluster', 'meet', node.host, String(node.port), await busPortOf(node))
  }
  await agreed(all, (info) => info.includes('cluster_state:ok') && info.includes(`known_nodes:${all.length}`))
  for (const [index, replica] of replicas.entries()) {
    const master = masters[index]
    if (master) await replica.cli('cluster', 'replicate', (await master.cli('cluster', 'myid')).trim())
  }
  for (const replica of replicas) await untilLinked(replica)
}

async function agreed(nodes: readonly RedisServer[], ok: (info: string) => boolean): Promise<void> {
  const deadlineMs = performance.now() + FORMING_LIMIT_MS
  for (const node of nodes) {
    while (!ok(await node.cli('cluster', 'info'))) {
      if (performance.now() > deadlineMs) throw new Error('the nodes do not agree on their cluster')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Resolves when a replica has all that its master has. */
export async function untilLinked(replica: RedisServer): Promise<void> {
  const deadlineMs = performance.now() + FORMING_LIMIT_MS
  while (!(await replica.cli('info', 'replication')).includes('master_link_status:up')) {
    if (performance.now() > deadlineMs) throw new Error('the replica has not reached its master')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
