import { type Bench, measure } from './round.js'
import { type UnarySetting, unaryVariant } from './variants.js'

/** More than about 64 calls on one channel starve each other, so more of them get more channels. */
const SETTINGS: readonly UnarySetting[] = [
  { channels: 1, callsMax: 32 },
  { channels: 2, callsMax: 64 },
  { channels: 4, callsMax: 64 },
  { channels: 4, callsMax: 128 },
  { channels: 8, callsMax: 256 },
]
const DURATIONS = { warmupMs: 1_500, measuredMs: 2_000, loneMs: 0 }

/** The setting under which the unary path is fastest here: it is the rival, so it shall be at its best. */
export async function bestUnarySetting(bench: Bench, say: (line: string) => void): Promise<UnarySetting> {
  let best: { readonly setting: UnarySetting; readonly perSecond: number } | undefined
  for (const setting of SETTINGS) {
    const { load } = await measure(bench, unaryVariant(bench.root, setting), DURATIONS)
    const perSecond = (1000 * load.answers) / load.elapsedMs
    say(`  ${describeSetting(setting)}: ${perSecond.toFixed(0)}/s`)
    if (!best || perSecond > best.perSecond) best = { setting, perSecond }
  }
  if (!best) throw new Error('there is no setting to try')
  return best.setting
}

export function describeSetting({ channels, callsMax }: UnarySetting): string {
  return `${channels} channels for each hop, at most ${callsMax} calls at once`
}
