import { relative, sep } from 'node:path'
import { localOpsAddress, PORT_DEFAULT } from '@fractal-lba/runtime'

/** What is told when all is ready. */
export interface ReadyFacts {
  /** The root of the checkout: paths below it are shown from there. */
  readonly root: string
  readonly baseUrl: string
  readonly grpcAddress: string
  readonly dataDir: string
  /** Undefined where the environment brings its own signing. */
  readonly keyFile: string | undefined
  /** What a client believes; undefined where there is no TLS. */
  readonly caFile: string | undefined
  readonly tookMs: number
}

const DEFAULT_ENDPOINT = `http://${localOpsAddress('gateway', PORT_DEFAULT)}`
const SAMPLE = 'test/golden/mixed-walk.csv'

/** Where it listens, where it keeps its data, and the line to paste. */
export function readyText(facts: ReadyFacts): string {
  const { baseUrl, grpcAddress, dataDir, root, keyFile } = facts
  const paste =
    keyFile === undefined
      ? 'To see a verdict, paste this into another terminal with the same PCS_… variables (twice shows a replay):'
      : 'To see a verdict, paste this into another terminal, in this directory (twice shows a replay):'
  return [
    '',
    `Ready after ${(facts.tookMs / 1_000).toFixed(1)} s.`,
    `  listens at   ${baseUrl}  (gRPC ${grpcAddress})`,
    `  keeps        ${shownPath(dataDir, root)}`,
    `  look at      ${baseUrl}/  ${baseUrl}/docs  ${baseUrl}/metrics`,
    '',
    paste,
    '',
    sampleLine(facts),
    '',
    'Ctrl-C ends it.',
    '',
  ].join('\n')
}

/** One line for a shell: builds a record from the sample events, signs it, submits it, shows the verdict. */
export function sampleLine({ root, baseUrl, keyFile, caFile }: ReadyFacts): string {
  const key = keyFile === undefined ? '' : ` --key-file ${quoted(shownPath(keyFile, root))}`
  const endpoint = baseUrl === DEFAULT_ENDPOINT ? '' : ` --endpoint ${baseUrl}`
  const believing = caFile === undefined ? '' : `TLS_CA_FILE=${quoted(shownPath(caFile, root))} `
  return (
    `npx pcs build --in ${SAMPLE} --shard-id demo --epoch 1 --seed 42 --sign${key}` +
    ` | ${believing}npx pcs submit --in -${endpoint}`
  )
}

/** A path below the root as it is written there, any other one whole. */
function shownPath(path: string, root: string): string {
  const fromRoot = relative(root, path)
  return fromRoot === '' || fromRoot === '..' || fromRoot.startsWith(`..${sep}`) ? path : fromRoot
}

/** As one word of a shell. */
function quoted(word: string): string {
  return /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
