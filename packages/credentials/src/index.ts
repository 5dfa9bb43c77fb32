export {
  type Identity,
  type IdentityFiles,
  type IdentitySource,
  readIdentity,
  watchIdentity,
} from './identity.js'
export { dnsNames, isNamed } from './names.js'
export { FileError, type Source, unreadable, Watched, type WatchedOptions } from './watched.js'
