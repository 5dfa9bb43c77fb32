import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished, type TestContext } from 'vitest'
import { until } from '../../src/until.js'
import { demandTools, tools } from './programs.js'

const ATTACH_LIMIT_MS = 10_000

/**
 * Of a process whose threads strace counts one by one: all its file work is done by one of them, so that the n-th
 * call is the n-th call.
 */
export const ONE_FILE_THREAD = { UV_THREADPOOL_SIZE: '1' }

/** A tracer on a process that runs already, which makes its system calls fail, die or take long. */
export class Strace {
  /** What was traced, a line for each call. */
  readonly lines: string[] = []
  readonly #tracer: ChildProcess
  readonly #gone: Promise<unknown>

  private constructor(tracer: ChildProcess) {
    this.#tracer = tracer
    this.#gone = new Promise((resolve) => {
      tracer.once('exit', resolve)
    })
    if (tracer.stderr) createInterface({ input: tracer.stderr }).on('line', (line) => this.lines.push(line))
  }

  /**
   * @param calls names of the system calls to trace.
   * @param injections as strace's `inject=` takes them: `fdatasync:error=EIO:when=3`.
   */
  static async attach(
    context: TestContext,
    pid: number,
    calls: readonly string[],
    injections: readonly string[],
  ): Promise<Strace> {
    const [program = ''] = await demandTools(context, tools.strace)
    const inject = injections.flatMap((injection) => ['-e', `inject=${injection}`])
    const args = ['-f', '-p', String(pid), '-e', `trace=${calls.join(',')}`, ...inject]
    const strace = new Strace(spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] }))
    onTestFinished(() => strace.detach())
    await until('strace is attached', ATTACH_LIMIT_MS, () => {
      const refusal = strace.lines.find((line) => line.includes('Operation not permitted'))
      if (refusal !== undefined) context.skip(`this user may not trace processes: ${refusal}`)
      return strace.lines.some((line) => line.includes('attached'))
    })
    return strace
  }

  /** Resolves when a line has that in it. */
  async untilSeen(part: string, limitMs: number): Promise<void> {
    await until(`strace saw ${part}`, limitMs, () => this.lines.some((line) => line.includes(part)))
  }

  /** Lets go of the process, which goes on; resolves at once when it is gone. */
  async detach(): Promise<void> {
    this.#tracer.kill('SIGTERM')
    await this.#gone
  }

  /** Lets go of a process that was just sent SIGKILL: while a call of it is delayed, nobody else could bury it. */
  async abandon(): Promise<void> {
    this.#tracer.kill('SIGKILL')
    await this.#gone
  }
}
