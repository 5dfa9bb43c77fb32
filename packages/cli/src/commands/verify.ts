import { hasMatchingId, type KeyRing, verifySignature } from '@fractal-lba/pcs'
import type { Command } from '../cli/command.js'
import { fromEnvironment } from '../cli/environment.js'
import { EXIT, Failure } from '../cli/failure.js'
import { inputName } from '../cli/files.js'
import { keyFileOption, keyOfFile, readVerifyingRings } from '../cli/keys.js'
import { readRecord } from '../cli/record-input.js'

export const verify: Command = {
  name: 'verify',
  summary: 'check a record: its form, its id and its signature',
  usage: 'verify --in FILE [--key-file FILE]',
  options: [{ name: 'in', value: 'FILE', help: 'the record; - reads standard input' }, keyFileOption],
  notes: `Environment: PCS_HMAC_KEY, PCS_HMAC_KEYS (several, comma-separated), PCS_HMAC_KEY_OLD,
PCS_HMAC_KEY_NEW, PCS_ED25519_PUB_B64 (one or several); PCS_SIGN_ALG narrows the choice, none leaves
the signature unchecked.

Exit codes: 0 all holds, 1 something does not, 2 wrong command line or environment.

Example:
  pcs verify --in signed.json`,
  async run(given, terminal) {
    const path = given.required('in')
    const fileKey = await keyOfFile(given, terminal)
    const rings: readonly KeyRing[] =
      fileKey === undefined
        ? fromEnvironment(terminal, readVerifyingRings)
        : [{ algorithm: 'hmac', keys: [fileKey] }]
    const { record } = await readRecord(path, terminal)
    const idMatches = hasMatchingId(record)
    const keyIds = rings.map((ring) => verifySignature(record, ring))
    const keyId = keyIds.find((id) => id !== undefined)
    terminal.out(
      [
        'record     valid',
        `pcs_id     ${idMatches ? 'matches merkle_root, epoch and shard_id' : 'is not the hash of merkle_root, epoch and shard_id'}`,
        `signature  ${signatureText(keyId)}`,
        '',
      ].join('\n'),
    )
    if (keyId === undefined) throw new Failure(`${inputName(path)} does not verify`)
    if (!idMatches) throw new Failure(`${inputName(path)} would be escalated: pcs_id_mismatch`)
    return EXIT.done
  },
}

function signatureText(keyId: string | undefined): string {
  if (keyId === undefined) return 'does not verify under any of these keys'
  return keyId === 'none' ? 'not checked: PCS_SIGN_ALG is none' : `verifies under the key ${keyId}`
}
