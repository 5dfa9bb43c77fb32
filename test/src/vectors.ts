import { readFileSync } from 'node:fs'

export interface SubmissionVector {
  readonly name: string
  readonly pcs: { readonly pcs_id: string }
  readonly expect: {
    readonly status: number
    readonly accepted: boolean
    readonly escalated: boolean
    readonly reason: string | null
  }
}

interface SubmissionVectors {
  readonly hmac_key_utf8: string
  readonly submissions: readonly SubmissionVector[]
}

export interface SigningCase {
  readonly name: string
  readonly pcs_json: string
  readonly payload: string
  readonly hmac_b64: string
  readonly ed25519_b64: string
}

interface SigningVectors {
  readonly hmac_key_utf8: string
  readonly ed25519_private_b64: string
  readonly ed25519_public_b64: string
  readonly cases: readonly SigningCase[]
  readonly fingerprints: readonly { readonly pcs_json: string; readonly fingerprint_hex: string }[]
}

export const submissionVectors: SubmissionVectors = JSON.parse(read('submissions'))
export const signingVectors: SigningVectors = JSON.parse(read('signing'))

/** The records of submissions.json as they are written there: parsing would turn 1.0 into 1. */
export const submissionTexts: readonly string[] = [
  ...read('submissions').matchAll(/^ {3}"pcs": (\{.*?^ {3}\})/gms),
].map(([, text = '']) => text)

function read(name: string): string {
  return readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')
}
