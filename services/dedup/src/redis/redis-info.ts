/** What INFO says, as far as it matters here. */
export interface RedisInfo {
  readonly version: string
  readonly isMaster: boolean
  readonly isCluster: boolean
  /** Changes whenever the data may be other than this server had before: a restart, a failover, a full copy. */
  readonly replicationId: string
  /** That are connected and at most so far behind that they count. */
  readonly replicas: number
  readonly evictionPolicy: string
  readonly usedBytes: number
  /** 0: no limit. */
  readonly limitBytes: number
}

const REPLICA_LAG_S_MAX = 10

/** Reads any sections of INFO; what is not in them is empty. */
export function readInfo(text: string): RedisInfo {
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? ''
  return {
    version: field('redis_version'),
    isMaster: field('role') === 'master',
    isCluster: field('cluster_enabled') === '1',
    replicationId: field('master_replid'),
    replicas: replicasIn(text),
    evictionPolicy: field('maxmemory_policy'),
    usedBytes: Number(field('used_memory')),
    limitBytes: Number(field('maxmemory')),
  }
}

/** The little that is looked at with every operation. */
export function readReplication(text: string): Pick<RedisInfo, 'isMaster' | 'replicationId' | 'replicas'> {
  const at = text.indexOf('master_replid:') + 'master_replid:'.length
  return {
    isMaster: text.includes('role:master\r\n'),
    replicationId: text.slice(at, at + 40),
    replicas: replicasIn(text),
  }
}

function replicasIn(text: string): number {
  if (!text.includes('\nslave0:')) return 0
  const replicas = text.matchAll(/^slave\d+:.*state=online.*lag=(\d+)/gm)
  return [...replicas].filter(([, lag]) => Number(lag) <= REPLICA_LAG_S_MAX).length
}
