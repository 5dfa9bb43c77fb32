import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pcs } from '@fractal-lba/cli'

/** Added to the exit code, because an HTTP status has three digits. */
const STATUS = 200
const SHIM = `#!/usr/bin/env bash
answer=$(mktemp)
status=$(printf '%s\\0' "$@" | curl -s --unix-socket "$(dirname "$0")/socket" --data-binary @- -o "$answer" -w '%{http_code}' http://pcs/)
cat "$answer"; rm "$answer"; exit $((status - ${STATUS}))
`

export interface PcsDirectory {
  /** Has an executable `pcs`. */
  readonly path: string
  close(): void
}

/**
 * The command for shells, run in this process: a start of Node for each would take most of a test's time.
 * @param env what all of them see, whatever their shell's environment is; asked at each run
 */
export async function pcsDirectory(env: () => Readonly<Record<string, string>>): Promise<PcsDirectory> {
  const path = mkdtempSync(join(tmpdir(), 'fractal-lba-pcs-'))
  writeFileSync(join(path, 'pcs'), SHIM)
  chmodSync(join(path, 'pcs'), 0o755)
  const server = createServer(async (request, response) => {
    const args = (await textOf(request)).split('\0').slice(0, -1)
    let [output, errors] = ['', '']
    const code = await pcs(args, {
      variables: env(),
      stdin: Readable.from([]),
      out: (text) => {
        output += text
      },
      err: (text) => {
        errors += text
      },
      drawable: false,
    })
    response.writeHead(STATUS + code).end(code === 0 ? output : output + errors)
  })
  await new Promise<void>((resolve) => server.listen(join(path, 'socket'), resolve))
  return {
    path,
    close: () => {
      server.close()
      rmSync(path, { recursive: true, force: true })
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  return text
}
