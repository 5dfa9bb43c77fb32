export {
  type InProcessConstellation,
  type InProcessOptions,
  startInProcess,
} from './in-process.js'
