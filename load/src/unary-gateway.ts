import { type GatewayConfig, readGatewayConfig, startGateway } from '@fractal-lba/gateway'
import { type Env, runProcess } from '@fractal-lba/runtime'
import { connectUnary } from './unary-clients.js'
import type { UnarySetting } from './variants.js'

interface UnaryGatewayConfig extends GatewayConfig {
  readonly setting: UnarySetting
}

function readConfig(env: Env): UnaryGatewayConfig {
  const setting = {
    channels: env.integer('BENCH_UNARY_CHANNELS', 4, { min: 1, max: 64 }),
    callsMax: env.integer('BENCH_UNARY_CALLS', 64, { min: 1, max: 4_096 }),
  }
  return { ...readGatewayConfig(env), setting }
}

// For the bench alone: the product's gateway, but with a unary call for each record and hop.
await runProcess('gateway', readConfig, (config, context) =>
  startGateway(config, context, connectUnary(config.setting)),
)
