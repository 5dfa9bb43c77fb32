import type { Readable } from 'node:stream'

/** Longer lines are cut, so that a process that never ends its line cannot fill the memory of its supervisor. */
const LINE_CHARS_MAX = 64 * 1024

/** Calls `onLine` with each line of a stream, without its end; the last one also when it has none. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  let cut = false
  const take = (part: string): void => {
    const room = LINE_CHARS_MAX - rest.length
    cut ||= part.length > room
    rest += part.slice(0, room)
  }
  const flush = (): void => {
    onLine(cut ? `${rest}…` : rest)
    rest = ''
    cut = false
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const parts = chunk.split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      take(part)
      flush()
    }
    take(last)
  })
  stream.on('end', () => {
    if (rest !== '') flush()
  })
}
