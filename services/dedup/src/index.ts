export { MemoryStore, type MemoryStoreOptions } from './memory-store.js'
export type { Entry, Store, StoredVerdict, StoreState } from './store.js'
export { type Found, type Lookup, VerdictIndex } from './verdict-index.js'
