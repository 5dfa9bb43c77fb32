import type { ChannelOptions } from '@grpc/grpc-js'
import type { Env } from '../env.js'
import { readHopTimeoutMs } from '../shared-settings.js'

/** What a caller keeps to on its way to one service. */
export interface HopLimits {
  /** Batches in flight at once for one operation, each on a lane of its own; more where a name has more addresses. */
  readonly lanes: number
  readonly batchItemsMax: number
  readonly batchBytesMax: number
  /** Items that may wait for a place in a batch; one more is refused at once. */
  readonly queueItemsMax: number
  /** From the call to the answer; then the item fails, and a lane that owes it is given up. */
  readonly timeoutMs: number
  /** A lane is opened anew when it is between once and twice as old. */
  readonly laneAgeMs: number
  /** While a name is in use, it is resolved again that often. */
  readonly resolveEveryMs: number
}

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

export const defaultHopLimits: HopLimits = {
  lanes: 2,
  batchItemsMax: 128,
  batchBytesMax: 2 * 2 ** 20,
  queueItemsMax: 4_096,
  timeoutMs: 1_000,
  laneAgeMs: 10 * MINUTE_MS,
  resolveEveryMs: 5_000,
}

/** The variables of every process that calls another. */
export function readHopLimits(env: Env): HopLimits {
  const { lanes, batchItemsMax, batchBytesMax, queueItemsMax, laneAgeMs, resolveEveryMs } = defaultHopLimits
  return {
    lanes: env.integer('HOP_BATCHES', lanes, { min: 1, max: 4 }),
    batchItemsMax: env.integer('HOP_BATCH_ITEMS', batchItemsMax, { min: 1, max: BATCH_ITEMS_MAX }),
    batchBytesMax,
    queueItemsMax: env.integer('HOP_QUEUE', queueItemsMax, { min: 1, max: 1_000_000 }),
    timeoutMs: readHopTimeoutMs(env),
    laneAgeMs: env.durationMs('HOP_LANE_AGE', laneAgeMs, { min: 100, max: DAY_MS }),
    resolveEveryMs: env.durationMs('HOP_RESOLVE_EVERY', resolveEveryMs, { min: 100, max: DAY_MS }),
  }
}

/** The most items that a server takes in one batch. */
export const BATCH_ITEMS_MAX = 256
/** The most batches that a server works on at once for one stream. */
export const BATCHES_IN_FLIGHT_MAX = 4

/** Larger than the largest batch (4 MiB) with its envelope; grpc-js would stop at 4 MiB by itself. */
export const MESSAGE_BYTES_MAX = 8 * 2 ** 20

/** Both ends: notice a dead peer within seconds, and let a whole batch into flight at once. */
const bothEnds: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc-node.flow_control_window': 4 * 2 ** 20,
}

/**
 * Clients: reconnect quickly, because a supervisor brings a dead service back within a second. Nothing is retried
 * below the seam, and no connection is shared: what has a channel has a connection.
 */
export const clientOptions: ChannelOptions = {
  ...bothEnds,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // Nobody asks for channelz, and its bookkeeping costs with every message.
  'grpc.enable_channelz': 0,
}

/** Servers keep channelz: without it, grpc-js 1.14.7 knows no connection that a forced stop could end. */
export const serverOptions: ChannelOptions = { ...bothEnds, 'grpc.max_concurrent_streams': 1024 }
