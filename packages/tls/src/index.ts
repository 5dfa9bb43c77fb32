export {
  type Identity,
  IdentityError,
  type IdentityFiles,
  type IdentitySource,
  readIdentity,
} from './identity.js'
export { dnsNames, isNamed } from './names.js'
export { WatchedIdentity, type WatchedIdentityOptions } from './watched-identity.js'
