/**
 * Signing where there is no node:crypto: browsers, workers, other runtimes. It needs `crypto.subtle` for SHA-2, which
 * browsers have on https pages and on localhost, and takes Ed25519 from @noble/ed25519. HMAC is not here: a secret that
 * is in a page is everybody's.
 */
export { pcsIdOnWeb } from './digest.js'
export { signRecordOnWeb, WebSigningKey } from './signing.js'
