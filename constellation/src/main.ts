import { readDataPlaces } from '@fractal-lba/local'
import {
  type CommonConfig,
  ConfigError,
  type Env,
  type ProcessContext,
  type Running,
  readCommonConfig,
  readDataDirectory,
  readPort,
  runProcess,
} from '@fractal-lba/runtime'
import { InProcessConstellation, type InProcessPlace, readStarters, type Starters } from './in-process.js'

interface OneProcessConfig extends CommonConfig {
  readonly place: InProcessPlace
  readonly starters: Starters
}

function readOneProcessConfig(env: Env): OneProcessConfig {
  const place = { port: readPort(env), dataDir: readDataDirectory(env), env: readDataPlaces(env) }
  const common = readCommonConfig(env)
  // Each member has a tracer of its own, and the process makes no spans beside.
  return { ...common, telemetry: undefined, place, starters: startersOrMistakes(env, place) }
}

function startersOrMistakes(env: Env, place: InProcessPlace): Starters {
  try {
    return readStarters(place)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const mistake of error.mistakes) env.mistake(mistake)
    return new Map()
  }
}

async function startOneProcess(
  { place, starters }: OneProcessConfig,
  { fatal }: ProcessContext,
): Promise<Running> {
  const constellation = new InProcessConstellation(place, starters, {
    onFatal: (_service, error) => fatal(error),
  })
  process.on('SIGUSR2', () => constellation.switchLogLevel())
  await constellation.startAll()
  return constellation
}

await runProcess('one-process', readOneProcessConfig, startOneProcess)
