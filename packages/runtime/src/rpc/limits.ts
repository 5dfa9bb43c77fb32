import type { ChannelOptions } from '@grpc/grpc-js'

/** Larger than the largest batch (4 MiB) with its envelope; grpc-js would stop at 4 MiB by itself. */
export const MESSAGE_BYTES_MAX = 8 * 2 ** 20

/** Both ends: notice a dead peer within seconds, and let a whole batch into flight at once. */
export const channelLimits: ChannelOptions = {
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc-node.flow_control_window': 4 * 2 ** 20,
}

/** Clients: reconnect quickly, because a supervisor brings a dead service back within a second. */
export const clientOptions: ChannelOptions = {
  ...channelLimits,
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.service_config': '{"loadBalancingConfig":[{"round_robin":{}}]}',
}
