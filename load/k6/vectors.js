// k6 run load/k6/vectors.js: what k6 signs is what the contract's vectors say. Sends nothing.
import crypto from 'k6/crypto'
import exec from 'k6/execution'
import { sign, signingText } from './canonical.js'

/** @type {{ hmac_key_utf8: string, cases: { name: string, pcs_json: string, payload: string, sha256_hex: string, hmac_b64: string }[] }} */
const vectors = JSON.parse(open(import.meta.resolve('../../vectors/signing.json')))

export const options = { vus: 1, iterations: 1 }

export default function () {
  const wrong = vectors.cases.filter((vector) => {
    const record = JSON.parse(vector.pcs_json)
    const text = signingText(record)
    return (
      text !== vector.payload ||
      crypto.sha256(text, 'hex') !== vector.sha256_hex ||
      sign(record, vectors.hmac_key_utf8) !== vector.hmac_b64
    )
  })
  for (const { name } of wrong) console.error(`the vector "${name}" differs`)
  if (wrong.length > 0) exec.test.fail(`${wrong.length} of ${vectors.cases.length} vectors differ`)
  else console.log(`${vectors.cases.length} vectors hold`)
}
