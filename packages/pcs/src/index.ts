export * from './canonical.js'
export * from './date-time.js'
export * from './errors.js'
export * from './fingerprint.js'
export * from './id.js'
export * from './json.js'
export {
  type Ed25519PrivateKey,
  type Ed25519PublicKey,
  ed25519PrivateKey,
  ed25519PublicKey,
  type HmacKey,
  hmacKey,
  type KeyRules,
  type KeyWindow,
  UnusableKey,
  type VerifyingKey,
} from './keys.js'
export * from './outcome.js'
export * from './params.js'
export * from './record.js'
export * from './signals.js'
export * from './signing.js'
export * from './validate.js'
