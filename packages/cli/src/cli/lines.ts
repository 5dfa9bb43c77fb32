import { open } from 'node:fs/promises'
import type { Terminal } from './command.js'
import { Failure } from './failure.js'
import { fileFailure, inputName, STANDARD_STREAM } from './files.js'
import { RECORD_BYTES_MAX } from './record-input.js'

/** A line that has something in it. */
export interface InputLine {
  /** From 1; empty lines count. */
  readonly number: number
  /** Without what ends it. */
  readonly bytes: Buffer
  /** Of the input up to the end of the line. */
  readonly endBytes: number
}

/** An input of many lines, which is never in memory as a whole. */
export interface LineInput {
  /** Undefined where that is not known beforehand. */
  readonly sizeBytes: number | undefined
  readonly lines: AsyncIterable<InputLine>
  close(): Promise<void>
}

const LF = 0x0a
const CR = 0x0d

/** @throws Failure where the file cannot be read; its lines throw it where one is too long */
export async function openLines(path: string, terminal: Terminal): Promise<LineInput> {
  if (path === STANDARD_STREAM) {
    const lines = linesOf(terminal.stdin, path)
    return { sizeBytes: undefined, lines, close: async () => undefined }
  }
  try {
    const file = await open(path)
    const { size } = await file.stat()
    const lines = linesOf(file.createReadStream({ autoClose: false }), path)
    return { sizeBytes: size, lines, close: () => file.close() }
  } catch (error) {
    throw fileFailure(`cannot read ${inputName(path)}`, error)
  }
}

async function* linesOf(stream: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<InputLine, void> {
  let rest = Buffer.alloc(0)
  let number = 0
  let endBytes = 0
  const next = (text: Buffer, withEnd: number): InputLine | undefined => {
    number += 1
    endBytes += text.length + withEnd
    const bytes = text.at(-1) === CR ? text.subarray(0, -1) : text
    return bytes.length > 0 ? { number, bytes, endBytes } : undefined
  }
  for await (const chunk of stream) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
      const line = next(rest.subarray(0, end), 1)
      rest = rest.subarray(end + 1)
      if (line) yield line
    }
    if (rest.length > RECORD_BYTES_MAX) {
      throw new Failure(`line ${number + 1} of ${inputName(path)} has more than ${RECORD_BYTES_MAX} bytes`)
    }
  }
  const last = rest.length > 0 ? next(rest, 0) : undefined
  if (last) yield last
}
