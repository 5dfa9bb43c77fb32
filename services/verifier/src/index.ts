export { readVerifierConfig } from './config.js'
export { startVerifier } from './start.js'
export { verify } from './verify.js'
