import type { Command } from './command.js'
import { ENDPOINT_DEFAULT } from './gateway.js'

interface Row {
  readonly term: string
  readonly help: string
}

/** The help text of `pcs` itself. */
export function overallHelp(commands: readonly Command[]): string {
  return `pcs makes, signs and submits Proof-of-Computation Summaries of event streams.

Usage: pcs COMMAND [options]

Commands:
${table(commands.map(({ name, summary }) => ({ term: name, help: summary })))}

Options:
${table([
  { term: '-h, --help', help: 'show this text; of a command: pcs help COMMAND or pcs COMMAND --help' },
  { term: '--version', help: 'show the version' },
])}

Environment:
${table([
  { term: 'ENDPOINT', help: `where the gateway is (${ENDPOINT_DEFAULT})` },
  {
    term: 'TLS_CA_FILE',
    help: 'the authority that an https gateway must be signed by (those that Node knows)',
  },
  { term: 'TLS_CERT_FILE, TLS_KEY_FILE', help: 'the certificate and key that pcs shows to it' },
  { term: 'PCS_SIGN_ALG', help: 'hmac, ed25519 or none' },
  { term: 'PCS_HMAC_KEY', help: 'the HMAC key, taken as text' },
  { term: 'PCS_ED25519_PRIV_B64', help: 'the private Ed25519 key, its 32 raw bytes in base64' },
  { term: 'OUTBOX_DIR', help: 'where the outbox is kept (DATA_DIR/outbox; DATA_DIR is ./data)' },
  {
    term: 'WAL_DIR, WAL_ADDR',
    help: 'the log of the wal service: its directory, and where the service answers',
  },
  { term: 'DEDUP_ADDR', help: 'where the dedup service answers' },
  { term: 'PCS_DEBUG', help: '1 shows where in the program an error arose' },
])}

Example:
  pcs build --in events.csv --shard-id shard-a --epoch 1 --seed 42 --sign | pcs submit --in -

Exit codes: 0 done, 1 refused or wrong, 2 wrong command line or environment, 3 try again later.
`
}

/** The help text of commands that share their first word. */
export function groupHelp(group: string, commands: readonly Command[]): string {
  return `Usage: pcs ${group} COMMAND [options]

Commands:
${table(commands.map(({ name, summary }) => ({ term: name, help: summary })))}

pcs help ${group} COMMAND tells more of one of them.
`
}

/** The help text of one command. */
export function commandHelp(command: Command): string {
  const options = command.options.map(({ name, value, help }) => ({
    term: value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  }))
  return `${capitalized(command.summary)}.

Usage: pcs ${command.usage}

Options:
${table([...options, { term: '-h, --help', help: 'show this text' }])}

${command.notes.trim()}
`
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ term }) => term.length))
  const indent = `\n${' '.repeat(width + 4)}`
  return rows.map(({ term, help }) => `  ${term.padEnd(width)}  ${help.replaceAll('\n', indent)}`).join('\n')
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
