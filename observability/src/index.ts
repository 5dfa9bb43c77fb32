export { generatedFiles } from './files.js'
export { GENERATE_HELP, generate } from './generate.js'
