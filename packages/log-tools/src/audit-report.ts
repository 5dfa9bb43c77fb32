import { httpStatusOf } from '@fractal-lba/pcs'
import type { record } from '@fractal-lba/proto'
import { printable } from '@fractal-lba/runtime/text'
import {
  type Attempt,
  type AuditedMark,
  type AuditedRecord,
  type AuditTrail,
  holds,
  isTiedToHead,
} from './audit-trail.js'
import { markJson, parametersJson, timeText, verdictJson } from './mark-json.js'
import { encodingName, type ReadMark } from './record-bodies.js'

/** The audit for people. */
export function auditText(trail: AuditTrail): string {
  const { pcsId, logId, head, verdict, attempts, strayMarks } = trail
  const lines = [`pcs_id       ${pcsId}`, `log          ${logId}`, ...verdictLines(verdict, logId)]
  for (const attempt of attempts) {
    lines.push('', `submission   record ${attempt.sequence}: ${findingOf(attempt, trail)}`)
    lines.push(
      `  body         ${attempt.bodyBytes} bytes${attempt.encoding === undefined ? '' : `, ${encodingName(attempt.encoding)}`}`,
    )
    lines.push(...recordLines(attempt, trail))
    for (const mark of attempt.marks) lines.push(...markLines(mark, trail))
  }
  for (const mark of strayMarks) {
    lines.push('', `submission   ${whereItIs(mark)}`)
    lines.push(...markLines(mark, trail))
  }
  lines.push('', `head         record ${head.sequence}, chain ${head.chain}`, '')
  return lines.join('\n')
}

function verdictLines(verdict: record.Verdict | undefined, logId: string): string[] {
  if (verdict?.outcome === undefined) return ['verdict      none stands under this id']
  const { outcome, origin, parameters, keyId, judgedAtMs, fingerprint } = verdict
  const finding = `${outcome.accepted ? 'accepted' : 'not accepted'}${outcome.escalated ? ', escalated' : ''}`
  const reason = outcome.reason === undefined ? '' : `: ${printable(outcome.reason)}`
  const lines = [`verdict      ${finding}${reason} (${httpStatusOf(outcome)})`]
  if (outcome.message !== undefined) lines.push(`             ${printable(outcome.message)}`)
  const values = parameters && Object.entries(parametersJson(parameters))
  lines.push(
    `judged       ${timeText(judgedAtMs)}, from record ${origin?.sequence ?? 'unknown'}${origin && origin.logId !== logId ? ` of log ${printable(origin.logId)}` : ''}`,
    `key          ${printable(keyId)}`,
    `parameters   ${printable(outcome.params)}${values ? `: ${values.map(([name, value]) => `${name} ${value}`).join(', ')}` : ''}`,
    `recomputed   D_hat ${shown(outcome.recomputedDHat)}, budget ${shown(outcome.recomputedBudget)}, regime ${printable(shown(outcome.regime))}`,
    `fingerprint  ${fingerprint.toString('hex')}`,
  )
  return lines
}

function shown(value: number | string | undefined): string {
  return value === undefined ? 'not reached' : String(value)
}

/** What became of a submission, in words. */
function findingOf(attempt: Attempt, { verdict, logId }: AuditTrail): string {
  const words = attempt.marks.map(({ mark }) => {
    const origin = mark.verdict?.origin ?? verdict?.origin
    const isFirst = origin?.logId === logId && origin.sequence === attempt.sequence
    const how = mark.replayed ? ', finished by replay' : ''
    return `${mark.status}, ${meaning(mark, isFirst)}${how}`
  })
  if (words.length > 0) return words.join('; ')
  const letter = attempt.deadLetter
  if (letter === undefined) return 'open: the system finishes it by itself'
  return `dead letter after ${letter.tries} tries: ${printable(letter.reason)}`
}

function meaning({ status, indexed }: ReadMark, isFirst: boolean): string {
  if (status === 409) return 'conflict: another record came first'
  if (status === 401) return 'refused: its signature did not verify'
  if (status === 400) return 'refused: malformed or invalid'
  if (!indexed) return 'escalated: the id is not the hash of its parts'
  return isFirst ? 'judged first' : 'a duplicate: the stored outcome was given again'
}

function whereItIs({ mark: { sequence, copiedFrom } }: AuditedMark): string {
  if (copiedFrom === undefined) return `record ${sequence}: the log no longer holds it`
  return `in log ${printable(copiedFrom.logId)}, which is retired; its mark there, record ${copiedFrom.sequence} of ${timeText(copiedFrom.flushedAtMs)}, was copied`
}

function markLines(audited: AuditedMark, trail: AuditTrail): string[] {
  return [
    `  mark         record ${audited.sequence}`,
    ...recordLines(audited, trail).map((line) => `  ${line}`),
  ]
}

function recordLines(record: AuditedRecord, trail: AuditTrail): string[] {
  const { proof, location, group, appendedAtMs, digestHolds } = record
  const { segmentStart } = proof
  const { head } = trail
  const digest =
    digestHolds === undefined
      ? 'compaction dropped the body; its digest stays'
      : digestHolds
        ? 'is that of the body'
        : 'IS NOT that of the body'
  return [
    `  position     segment ${location.segment}, byte ${location.offset}, ${location.frameBytes} bytes, flush group ${group}`,
    `  appended     ${timeText(appendedAtMs)}`,
    `  previous     ${proof.previous ?? 'not known: the record before it is damaged'}`,
    `  header       ${proof.header}`,
    `  digest       ${proof.digest} ${digest}`,
    `  chain        ${proof.chain} ${chainFinding(record)}`,
    `  from start   the segment begins after ${segmentStart.chain};`,
    `               ${segmentStart.links} links from there to here: ${segmentStart.holds ? 'each recomputed, equal' : 'NOT ALL hold'}`,
    `  to the head  ${head.sequence - record.sequence} links from here to record ${head.sequence}: ${isTiedToHead(trail, record) ? 'each recomputed, equal' : 'NOT ALL hold'}`,
  ]
}

function chainFinding({ proof }: AuditedRecord): string {
  if (proof.recomputed === undefined) return 'CANNOT be recomputed'
  return proof.recomputed === proof.chain ? 'recomputed, equal' : `RECOMPUTED AS ${proof.recomputed}`
}

/** The audit for machines. */
export function auditJson(directory: string, trail: AuditTrail): Readonly<Record<string, unknown>> {
  const { pcsId, logId, head, verdict, attempts, strayMarks, fingerprints } = trail
  return {
    directory,
    pcs_id: pcsId,
    log_id: logId,
    head,
    integrity_alarm: fingerprints.length > 1,
    verdict: verdict === undefined ? null : verdictJson(verdict),
    attempts: attempts.map((attempt) => ({
      ...recordJson(attempt, trail),
      encoding: attempt.encoding === undefined ? null : encodingName(attempt.encoding),
      body_bytes: attempt.bodyBytes,
      dead_letter: attempt.deadLetter
        ? { reason: attempt.deadLetter.reason, tries: attempt.deadLetter.tries }
        : null,
      marks: attempt.marks.map((mark) => markedJson(mark, trail)),
    })),
    marks_without_submission: strayMarks.map((mark) => markedJson(mark, trail)),
  }
}

function markedJson(audited: AuditedMark, trail: AuditTrail): Readonly<Record<string, unknown>> {
  return { ...recordJson(audited, trail), mark: markJson(audited.mark) }
}

function recordJson(record: AuditedRecord, trail: AuditTrail): Readonly<Record<string, unknown>> {
  const { sequence, group, appendedAtMs, location, proof, digestHolds } = record
  const { segmentStart } = proof
  return {
    sequence,
    group,
    appended_at: timeText(appendedAtMs),
    segment: location.segment,
    offset: location.offset,
    frame_bytes: location.frameBytes,
    proof: {
      holds: holds(record),
      previous: proof.previous ?? null,
      header: proof.header,
      digest: proof.digest,
      digest_holds: digestHolds ?? null,
      chain: proof.chain,
      recomputed: proof.recomputed ?? null,
      segment_start: {
        segment: segmentStart.segment,
        first_sequence: segmentStart.firstSequence,
        chain: segmentStart.chain,
        links: segmentStart.links,
        holds: segmentStart.holds,
      },
      to_head: { links: trail.head.sequence - sequence, holds: isTiedToHead(trail, record) },
    },
  }
}
