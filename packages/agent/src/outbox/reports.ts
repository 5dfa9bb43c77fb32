import type { OutboxSettings } from './options.js'
import type { OutboxEntry } from './outbox-index.js'
import type { OutboxLog } from './outbox-log.js'
import { ReportFile, type ReportLine } from './report-file.js'

export const CONFLICTS_FILE = 'conflicts.jsonl'
export const DEAD_LETTERS_FILE = 'dead-letters.jsonl'

/** The two files for people: records that met a conflict, and records that were refused. */
export class Reports {
  readonly #conflicts: ReportFile
  readonly #dead: ReportFile

  private constructor(conflicts: ReportFile, dead: ReportFile) {
    this.#conflicts = conflicts
    this.#dead = dead
  }

  /** Adds what the log holds and a file lacks. */
  static async open(directory: string, settings: OutboxSettings, log: OutboxLog): Promise<Reports> {
    const open = (file: string) =>
      ReportFile.open(settings.files, directory, file, (error) =>
        settings.onEvent({ type: 'report_failed', file, error }),
      )
    const conflicts = await open(CONFLICTS_FILE)
    const dead = await open(DEAD_LETTERS_FILE)
    for (const entry of log.index.entries()) {
      const opened = entry.state === 'dead' ? dead : entry.state === 'conflict' ? conflicts : undefined
      if (opened === undefined) continue
      const line = await lineOf(log, entry)
      if (line && !opened.holds(line.seq, line.atMs)) await opened.report.add(line)
    }
    return new Reports(conflicts.report, dead.report)
  }

  /** Adds a line for an entry that has just become dead or met a conflict. */
  async add(log: OutboxLog, entry: OutboxEntry): Promise<void> {
    if (entry.state !== 'dead' && entry.state !== 'conflict') return
    const line = await lineOf(log, entry)
    if (line) await (entry.state === 'dead' ? this.#dead : this.#conflicts).add(line)
  }
}

async function lineOf(log: OutboxLog, entry: OutboxEntry): Promise<ReportLine | undefined> {
  const answer = await log.answer(entry)
  if (answer === undefined) return undefined
  const { content } = await log.entry(entry)
  const { status, atMs } = answer.head
  const { seq, pcsId } = entry
  return { seq, atMs, pcsId, status, problem: answer.content, record: content }
}
