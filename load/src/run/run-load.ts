import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConstellationError, watchForEnd } from '@fractal-lba/local'
import { ghzProgram, runGhz } from '../ghz/run-ghz.js'
import { isBusy, isInMemory, thisMachine } from '../machine.js'
import { difference, NotComparable } from '../report/difference.js'
import { fullReport } from '../report/full-report.js'
import { keepInHistory } from '../report/history.js'
import { renderMarkdown } from '../report/markdown.js'
import { renderPage } from '../report/page.js'
import { isSound, processFigures, type RunReport } from '../report/report.js'
import { soakGates } from '../report/soak-gates.js'
import { accounted, type Generate } from './accounted.js'
import { type Generated, LoadFailure } from './generated.js'
import { k6Program, runK6 } from './k6.js'
import { runCapacity, runSmoke } from './open-loop-runs.js'
import {
  LOAD_HELP,
  type ProfileName,
  profiles,
  type RunOptions,
  readLoadOptions,
  UnusableLoadOptions,
} from './options.js'
import { Progress } from './progress.js'
import { openTarget, TargetError } from './target.js'

/** What `npm run load` brings along. */
export interface LoadContext {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** The root of the checkout. */
  readonly root: string
  /** Who started this process, noted when it began. */
  readonly parentPid: number
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** A smoke looks at answers: on a disk that stands still for a second, a 503 would be the right one. */
const SMOKE_SETTINGS = { HOP_TIMEOUT: '10s', SUBMIT_TIMEOUT: '20s' }

/** `npm run load`. @returns the exit code: 0 sound, 1 not, 2 for what cannot be asked, 130 when it was ended. */
export async function runLoad(context: LoadContext): Promise<number> {
  const { args, parentPid, out, err } = context
  const say = (line: string): void => err(`${line}\n`)
  const ended = new AbortController()
  const stopWatching = watchForEnd({
    parentPid,
    onEnd: ({ why, again }) => {
      say(`\n${why}: stopping`)
      ended.abort()
      if (again) process.exit(130)
    },
  })
  try {
    const options = readLoadOptions(args)
    if (!options) {
      out(LOAD_HELP)
      return 0
    }
    if (options.kind === 'difference') {
      const { markdown, isWorse } = difference(
        await readReports(options.before),
        await readReports(options.after),
      )
      out(markdown)
      return isWorse ? 1 : 0
    }
    if (options.kind === 'report') {
      const file = join(context.root, 'load', 'REPORT.md')
      await writeFile(file, await fullReport(join(context.root, 'load', 'report')))
      say('written: load/REPORT.md')
      return 0
    }
    const report = await loaded(options, context, ended.signal, say)
    out(renderMarkdown(report))
    return isSound(report) ? 0 : 1
  } catch (error) {
    if (ended.signal.aborted) return 130
    const cannotBe =
      error instanceof UnusableLoadOptions || error instanceof TargetError || error instanceof NotComparable
    if (cannotBe) {
      say(error.message)
      return 2
    }
    if (!(error instanceof LoadFailure) && !(error instanceof ConstellationError)) throw error
    say(`the load failed: ${error.message}`)
    return 1
  } finally {
    stopWatching()
  }
}

/** A report, or those in a directory, in the order of their names. @throws UnusableLoadOptions */
async function readReports(path: string): Promise<readonly RunReport[]> {
  try {
    const isOne = (await stat(path)).isFile()
    const files = isOne ? [path] : (await readdir(path)).sort().map((name) => join(path, name))
    return await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as RunReport))
  } catch (error) {
    throw new UnusableLoadOptions(`${path} is no report, nor a directory of them: ${String(error)}`)
  }
}

async function loaded(
  options: RunOptions,
  { root, env }: LoadContext,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<RunReport> {
  const dataDir = options.dataDir ?? join(root, 'data')
  const reportDir = join(root, 'load', 'report')
  await mkdir(dataDir, { recursive: true })
  await mkdir(reportDir, { recursive: true })
  const machine = thisMachine(dataDir)
  if (isBusy(machine))
    say(`the machine is not idle (load ${machine.loadBefore.toFixed(1)}): figures will be too low`)
  if (isInMemory(machine)) say(`${dataDir} is in memory: flushes cost nothing there; see --data-dir`)
  const generate = await generatorOf(options)
  const startedAt = new Date().toISOString()
  const settings = options.run === 'smoke' ? SMOKE_SETTINGS : {}
  const { oneProcess, target: named } = options
  const target = await openTarget({ root, dataDir, named, oneProcess, env, settings, signal, say })
  const progress = new Progress(options.run, say)
  try {
    const { seconds, scale } = options
    const { generated, account, samples } = await accounted(
      target,
      generate,
      { root, seconds, scale, reportDir, signal, say },
      (sample) => progress.show(sample),
    )
    const submissions = Object.values(generated.sent.kinds).reduce((sum, count) => sum + count, 0)
    const { sent, elapsedMs, latency, shares, parts, seen, tool } = generated
    const gates = [...generated.gates, ...(options.run === 'soak' ? soakGates(samples, seen) : [])]
    const report: RunReport = {
      ...{ run: options.run, seconds, scale, oneProcess, startedAt, machine, tool },
      isWhole: seconds === undefined && scale === 1,
      commit: commitOf(root),
      target: target.own ? `a product started here${oneProcess ? ' as one process' : ''}` : target.baseUrl,
      ...{ elapsedMs, submissions, latency, shares, gates, account, parts, seen },
      ...{ answers: sent.answers, kinds: sent.kinds },
      samples,
      processes: processFigures(samples, Math.max(submissions, callsOf(generated))),
    }
    await writeReport(report, root, reportDir, say)
    if (!isSound(report)) for (const line of target.own?.complaints() ?? []) say(line)
    return report
  } finally {
    progress.end()
    await target.close()
  }
}

/** What makes the load; programs are built before the product is started. */
async function generatorOf({ run }: RunOptions): Promise<Generate> {
  const profile: ProfileName | undefined = profiles.find((name) => name === run)
  if (profile) {
    const k6 = await k6Program()
    return (context) => runK6(k6, profile, context)
  }
  if (run === 'ghz') {
    const ghz = await ghzProgram()
    return (context) => runGhz(ghz, context)
  }
  return (context) => {
    context.onStart(process.pid)
    return run === 'smoke' ? runSmoke(context) : runCapacity(context)
  }
}

/** Of RPCs that are no submission too. */
function callsOf({ parts }: Generated): number {
  return parts.reduce((sum, { count }) => sum + count, 0)
}

async function writeReport(
  report: RunReport,
  root: string,
  reportDir: string,
  say: (line: string) => void,
): Promise<void> {
  const history = await keepInHistory(join(root, 'load', 'history.csv'), report)
  const place = join(reportDir, report.run)
  await writeFile(`${place}.json`, `${JSON.stringify(report, undefined, 1)}\n`)
  await writeFile(`${place}.md`, renderMarkdown(report))
  await writeFile(`${place}.html`, renderPage(report, history))
  say(`the report: load/report/${report.run}.html (.md, .json)`)
}

/** With "+" where something was not committed; "unknown" without git. */
function commitOf(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return `${git('rev-parse', '--short=10', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
