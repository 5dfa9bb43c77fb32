import { readDedupConfig, startDedup } from '@fractal-lba/dedup-service'
import { readGatewayConfig, startGateway } from '@fractal-lba/gateway'
import type {
  CommonConfig,
  Env,
  LogLevel,
  ProcessContext,
  Running,
  ServiceName,
  TlsConfig,
} from '@fractal-lba/runtime'
import { readScoringConfig, startScoring } from '@fractal-lba/signal-scoring-service'
import { readVerifierConfig, startVerifier } from '@fractal-lba/verifier-service'
import { openMemoryLog, readWalConfig, startWal } from '@fractal-lba/wal-service'

/** A service whose configuration is read. */
export interface Starter {
  readonly logLevel: LogLevel
  readonly clockOffsetMaxMs: number
  readonly telemetry: CommonConfig['telemetry']
  readonly tls: TlsConfig | undefined
  /** Starts it; again after it was stopped. */
  start(context: ProcessContext): Promise<Running>
}

/** Reads the configuration of a service as its own program would. */
type ReadStarter = (env: Env) => Starter

function starterOf<Config extends CommonConfig>(
  readConfig: (env: Env) => Config,
  start: (config: Config, context: ProcessContext) => Promise<Running>,
): ReadStarter {
  return (env) => {
    const config = readConfig(env)
    const { logLevel, clockOffsetMaxMs, telemetry, tls } = config
    return { logLevel, clockOffsetMaxMs, telemetry, tls, start: (context) => start(config, context) }
  }
}

/** What keeps the log: WAL_DIR, or the memory of this process, which nothing survives. */
export type LogKind = 'directory' | 'memory'

export const readStarter: Readonly<Record<ServiceName, ReadStarter>> = {
  wal: starterOf(readWalConfig, startWal),
  verifier: starterOf(readVerifierConfig, startVerifier),
  dedup: starterOf(readDedupConfig, startDedup),
  'signal-scoring': starterOf(readScoringConfig, startScoring),
  gateway: starterOf(readGatewayConfig, startGateway),
}

const readWalInMemory = starterOf(readWalConfig, (config, context) =>
  startWal(config, context, openMemoryLog),
)

export function readersOfStarters(log: LogKind): typeof readStarter {
  return log === 'memory' ? { ...readStarter, wal: readWalInMemory } : readStarter
}
