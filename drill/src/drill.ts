import { parseArgs } from 'node:util'
import { alertNames } from '@fractal-lba/observability'
import { type DrillSite, startDrillSite } from './drill-site.js'
import { type StoreName, storeNames } from './drill-store.js'
import type { Fault } from './fault.js'
import { forgedFaults } from './forged-faults.js'
import { logFaults } from './log-faults.js'
import { processFaults } from './process-faults.js'
import { storeFaults } from './store-faults.js'
import { trafficFaults } from './traffic-faults.js'

export const DRILL_HELP = `npm run drill                      causes each fault, sees its alerts fire at Alertmanager, ends it, sees them end
npm run drill -- --store postgres  over Postgres instead of Redis
npm run drill -- --only disk       the faults with this in their description or in an alert
npm run drill -- --time-scale N    divides windows, "for" and thresholds of age (1440; windows stay at 10 s at the least)

Prometheus, Alertmanager and the blackbox exporter are built once by Go. Root can cause more faults than others. It closes with
a table, and with exit code 1 when an alert did not fire or did not end.
`

const FIRE_LIMIT_MS = 180_000
/** Of the slowest windows, those of three days, there may be minutes left. */
const END_LIMIT_MS = 300_000

interface Seen {
  readonly alert: string
  readonly fault: string
  readonly fireSeconds: number | undefined
  readonly endSeconds: number | undefined
}

/** @returns the exit code */
export async function runDrill(context: {
  readonly args: readonly string[]
  readonly root: string
  readonly out: (text: string) => void
  /** Ends the fault under way, and the drill. */
  readonly stopping: AbortSignal
}): Promise<number> {
  const say = (line: string): void => context.out(`${line}\n`)
  const { store, only, timeScale } = readArguments(context.args)
  const site = await startDrillSite({ root: context.root, timeScale, store, say, stopping: context.stopping })
  try {
    const faults = [
      ...trafficFaults,
      ...processFaults,
      ...storeFaults(site.store),
      ...logFaults,
      ...forgedFaults,
    ]
    const wanted = faults.filter(
      ({ what, alerts }) => only === undefined || [what, ...alerts].some((text) => text.includes(only)),
    )
    const { possible, obstacles } = await sorted(site, wanted)
    const oneByOne = async (): Promise<readonly Seen[]> => {
      const found: Seen[] = []
      for (const fault of possible) if (!fault.isBeside) found.push(...(await drive(site, fault, say)))
      return found
    }
    const beside = possible.filter(({ isBeside }) => isBeside).map((fault) => drive(site, fault, say))
    const seen = (await Promise.all([oneByOne(), ...beside])).flat()
    for (const line of table(seen)) say(line)
    const driven = new Set(wanted.flatMap(({ alerts }) => alerts))
    const left = only === undefined ? alertNames().filter((alert) => !driven.has(alert)) : []
    for (const alert of left) say(`not driven: ${alert}: ${otherStore(alert)}`)
    for (const [what, why] of obstacles) say(`not driven: ${what}: ${why}`)
    const isSound = seen.every(
      ({ fireSeconds, endSeconds }) => fireSeconds !== undefined && endSeconds !== undefined,
    )
    return isSound ? 0 : 1
  } finally {
    await site.close()
  }
}

function readArguments(args: readonly string[]): {
  readonly store: StoreName
  readonly only: string | undefined
  readonly timeScale: number
} {
  const { values } = parseArgs({
    args: [...args],
    options: {
      store: { type: 'string', default: 'redis' },
      only: { type: 'string' },
      'time-scale': { type: 'string', default: '1440' },
    },
  })
  const store = storeNames.find((name) => name === values.store)
  if (!store) throw new Error(`--store is one of ${storeNames.join(', ')}`)
  return { store, only: values.only, timeScale: Number(values['time-scale']) }
}

async function sorted(
  site: DrillSite,
  faults: readonly Fault[],
): Promise<{ possible: readonly Fault[]; obstacles: readonly (readonly [string, string])[] }> {
  const possible: Fault[] = []
  const obstacles: (readonly [string, string])[] = []
  for (const fault of faults) {
    const obstacle = await fault.obstacle?.(site)
    if (obstacle === undefined) possible.push(fault)
    else obstacles.push([fault.what, obstacle])
  }
  return { possible, obstacles }
}

/** Causes a fault until all of its alerts fire, then ends it until none of them does. */
async function drive(site: DrillSite, fault: Fault, say: (line: string) => void): Promise<readonly Seen[]> {
  const { alerts, what } = fault
  await Promise.all(alerts.map((alert) => site.alerts.until(alert, false, END_LIMIT_MS)))
  say(`begins  ${what}`)
  const fired = await raised(site, fault).finally(() => {
    say(`ends    ${what}`)
    return fault.end(site)
  })
  const ended = await Promise.all(alerts.map((alert) => site.alerts.until(alert, false, END_LIMIT_MS)))
  return alerts.map((alert, index) => ({
    ...{ alert, fault: what },
    ...{ fireSeconds: fired[index], endSeconds: ended[index] },
  }))
}

/** Causes the fault. @returns after how many seconds each of its alerts fired */
async function raised(site: DrillSite, fault: Fault): Promise<readonly (number | undefined)[]> {
  await fault.begin(site)
  return Promise.all(fault.alerts.map((alert) => site.alerts.until(alert, true, FIRE_LIMIT_MS)))
}

function table(seen: readonly Seen[]): readonly string[] {
  const shown = (seconds: number | undefined): string => seconds?.toFixed(1) ?? 'not seen'
  return [
    '',
    '| alert | fault | seconds to fire | seconds to resolve |',
    '|---|---|---|---|',
    ...seen.map(
      ({ alert, fault, fireSeconds, endSeconds }) =>
        `| ${alert} | ${fault} | ${shown(fireSeconds)} | ${shown(endSeconds)} |`,
    ),
    '',
  ]
}

function otherStore(alert: string): string {
  const store = alert.includes('Postgres') ? 'postgres' : 'redis'
  return `npm run drill -- --store ${store} does`
}
