import { Readable } from 'node:stream'
import { pcs } from '../pcs.js'

/** How one run of the command ended. */
export interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
}

/** Runs the command in this process, with nothing in its environment but what is given; see runPcsProcess. */
export async function runPcs(
  args: readonly string[],
  { env = {}, stdin = '' }: RunOptions = {},
): Promise<Run> {
  let [out, err] = ['', '']
  const code = await pcs(args, {
    variables: env,
    stdin: Readable.from([Buffer.from(stdin)]),
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    drawable: false,
  })
  return { code, out, err }
}
