export { type Identity, IdentityError, type IdentityFiles, readIdentity } from './identity.js'
export { dnsNames, isNamed } from './names.js'
export { WatchedIdentity, type WatchedIdentityOptions } from './watched-identity.js'
