import { isUtf8 } from 'node:buffer'
import type { log } from '@fractal-lba/proto'
import type { LogRecord } from '@fractal-lba/wal'
import { markJson, timeText } from './mark-json.js'
import { type BodyReader, encodingName, RECORD_TYPE, typeName } from './record-bodies.js'

/** A record of the log as one object of JSON: a mark decoded, another body as text where it is text, else as base64. */
export function exportedRecord(record: LogRecord, bodies: BodyReader): Readonly<Record<string, unknown>> {
  const { sequence, group, type, timeMs, bodyLength, digest, chain } = record
  return {
    sequence,
    group,
    type: typeName(type),
    appended_at: timeText(timeMs),
    body_bytes: bodyLength,
    digest: digest.toString('hex'),
    chain: chain.toString('hex'),
    ...content(record, bodies),
  }
}

function content(record: LogRecord, bodies: BodyReader): Readonly<Record<string, unknown>> {
  const { type, body } = record
  if (body === undefined) return { dropped: true }
  if (type === RECORD_TYPE.mark) {
    const mark = bodies.mark(record)
    if (mark !== undefined) return { mark: markJson(mark) }
  }
  if (type === RECORD_TYPE.fence) {
    const generation = bodies.fence(record)
    if (generation !== undefined) return { generation }
  }
  if (type === RECORD_TYPE['dead-letter']) {
    const letter = bodies.deadLetter(record)
    if (letter !== undefined) {
      return { dead_letter: { sequence: letter.sequence, reason: letter.reason, tries: letter.tries } }
    }
  }
  if (type === RECORD_TYPE['drive-again']) {
    const sequence = bodies.redrive(record)
    if (sequence !== undefined) return { drive_again: { sequence } }
  }
  if (type === RECORD_TYPE.clock) {
    const clock = bodies.clock(record)
    if (clock !== undefined) return { clock }
  }
  if (type === RECORD_TYPE.submission) {
    const submission = bodies.submission(record)
    if (submission !== undefined) return submissionContent(submission)
  }
  return bytesContent(body)
}

function submissionContent({ body, encoding, arrivedAtMs, context }: log.Submission) {
  return {
    encoding: encodingName(encoding),
    body_bytes: body.length,
    ...(arrivedAtMs === 0 ? {} : { arrived_at: timeText(arrivedAtMs) }),
    ...(context === undefined ? {} : { traceparent: context.traceparent }),
    ...bytesContent(body),
  }
}

function bytesContent(body: Buffer): Readonly<Record<string, string>> {
  // The encoding is only a claim of the sender, so the bytes decide: a body that is no text is kept as bytes.
  return isUtf8(body) ? { body: body.toString('utf8') } : { body_base64: body.toString('base64') }
}
