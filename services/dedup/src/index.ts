export { type Found, type Lookup, VerdictIndex } from './index/verdict-index.js'
export { MemoryStore, type MemoryStoreOptions } from './memory/memory-store.js'
export type { IndexEntry, Store, StoredVerdict, StoreState } from './store.js'
