import { MemoryStore, VerdictIndex } from '@fractal-lba/dedup-service'
import { type GatewayConfig, readGatewayConfig, startGateway } from '@fractal-lba/gateway'
import { hmacKey } from '@fractal-lba/pcs'
import { type Env, runProcess, startGrpcServer, TrustedClock } from '@fractal-lba/runtime'
import { SubmissionLog } from '@fractal-lba/wal-service'
import { connectDirectly } from './direct-clients.js'

interface OneProcessConfig extends GatewayConfig {
  readonly walDirectory: string
  readonly hmacKey: string
}

const TTL_MS = 14 * 86_400_000
const IDS_MAX = 1_000_000
const GENERATION = 'one-process'

function readConfig(env: Env): OneProcessConfig {
  return {
    ...readGatewayConfig(env),
    walDirectory: env.required('WAL_DIR', 'where the log is kept'),
    hmacKey: env.required('PCS_HMAC_KEY', 'the key of the bench'),
  }
}

// For the bench alone: what the five processes do, in one, without gRPC between the steps.
await runProcess('one-process', readConfig, async (config, context) => {
  const log = await SubmissionLog.open(
    config.walDirectory,
    { openEntriesMax: IDS_MAX, liveHoldMs: config.submitTimeoutMs, replayTries: 5 },
    { onFatal: context.fatal },
  )
  await log.fence(GENERATION)
  const now = new TrustedClock().nowMs
  const store = new MemoryStore({ idsMax: IDS_MAX, ttlMs: TTL_MS, now })
  const availability = { answers: true, generation: GENERATION } as const
  const index = new VerdictIndex(store, TTL_MS, now, () => availability)
  const keys = { algorithm: 'hmac', keys: [hmacKey(config.hmacKey)] } as const

  // The gateway asks these two for their health by gRPC.
  const { verifier, scoring } = config.addresses
  const health = await Promise.all([verifier, scoring].map((address) => startGrpcServer(address, [])))
  for (const server of health) server.setServing(true)
  const running = await startGateway(config, context, () =>
    connectDirectly({ log, keys, store, index, generation: GENERATION }),
  )
  return {
    async stop() {
      await running.stop()
      await Promise.all(health.map((server) => server.stop(0)))
      await store.close()
      await log.close()
    },
  }
})
