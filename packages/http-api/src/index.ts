/** The HTTP interface as data: the problems that it tells, and its description. What serves it is the gateway. */
export { openApiDocument } from './document.js'
export { acceptedExample, escalatedExample, recordExample } from './examples.js'
export {
  allProblems,
  PROBLEM_CONTENT_TYPE,
  type ProblemKind,
  problemOf,
  recordProblems,
  renderProblem,
  transportProblems,
} from './problem.js'
export { schemas } from './schemas.js'
