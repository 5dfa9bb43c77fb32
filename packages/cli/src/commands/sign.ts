import { recordText, signRecord } from '@fractal-lba/agent/record'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, usageError } from '../cli/failure.js'
import { STANDARD_STREAM, writeOutput } from '../cli/files.js'
import { keyFileOption, keyOfFile, readSigningKey } from '../cli/keys.js'
import { readRecord } from '../cli/record-input.js'
import { unnamedFields } from '../cli/unnamed-fields.js'

export const sign: Command = {
  name: 'sign',
  summary: 'sign a record',
  usage: 'sign --in FILE [--key-file FILE] [--out FILE]',
  options: [
    { name: 'in', value: 'FILE', help: 'the record; - reads standard input' },
    keyFileOption,
    { name: 'out', value: 'FILE', help: 'where the signed record goes (-, standard output)' },
  ],
  notes: `A signature that the record bears already is replaced. Fields that the contract does not name are
left out, and said so.

Environment: PCS_SIGN_ALG (hmac, ed25519), PCS_HMAC_KEY or PCS_ED25519_PRIV_B64.

Example:
  pcs sign --in record.json --out signed.json`,
  async run(given, terminal) {
    const path = given.required('in')
    const key = (await keyOfFile(given, terminal)) ?? fromEnvironment(terminal, readSigningKey)
    if (key === undefined) throw usageError('PCS_SIGN_ALG is none, which signs nothing')
    const { bytes, record } = await readRecord(path, terminal)
    const left = unnamedFields(bytes)
    if (left.length > 0) {
      terminal.err(`pcs: left out, since the contract does not name them: ${left.join(', ')}\n`)
    }
    await writeOutput(
      given.text('out') ?? STANDARD_STREAM,
      `${recordText(signRecord(record, key))}\n`,
      terminal,
    )
    return EXIT.done
  },
}
