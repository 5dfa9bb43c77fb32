export const TEST_HELP = `npm test                         build, checks and all tests but the fault tests
npm test -- --checks             lint, protocols, generated code, types, length of files, imports
npm test -- --unit               the unit tests
npm test -- --e2e                the end-to-end tests: in one process, then over the processes as they are built
npm test -- --servers            the tests that need an installed Redis or Postgres
npm run test:observability       rules, alerts and runbooks (and the scripts of load/) with the real programs, which Go builds once
npm run test:images              the images, built and run by podman as containers (some minutes)
npm run test:fault -- --short    the fault tests in their short form: about ten minutes
npm run test:fault               the fault tests in their long form: hours
npm test -- packages/wal         the tests in files with this in their path; so with one part too
npm test -- --unit -- -t tail    what follows the second -- goes to vitest as it is
npm run test:fault -- power      one of the fault tests in its long form

It installs and builds what is missing first. The last line is "N passed, N failed, N skipped"; a check counts
as one. When something failed, what the processes of the end-to-end tests wrote is below test-results/.
`

/**
 * @typedef {object} Wanted
 * @property {boolean} help
 * @property {boolean} checks
 * @property {boolean} unit
 * @property {boolean} e2e
 * @property {boolean} servers
 * @property {boolean} observability
 * @property {boolean} images
 * @property {boolean} fault
 * @property {boolean} long rounds by the hundred instead of a few
 * @property {boolean} all nothing was left out: every part must have something in it
 * @property {readonly string[]} vitestArgs
 */

/**
 * @param {readonly string[]} args of the command line
 * @returns {Wanted | string} or a sentence when they cannot be understood
 */
export function wantedOf(args) {
  const end = args.indexOf('--')
  const own = end < 0 ? args : args.slice(0, end)
  const filters = own.filter((word) => !word.startsWith('-'))
  const options = own.filter((word) => word.startsWith('-'))
  const known = [
    ...['--checks', '--unit', '--e2e', '--servers', '--observability', '--images'],
    ...['--fault', '--long', '--short', '--help', '-h'],
  ]
  const unknown = options.find((option) => !known.includes(option))
  if (unknown !== undefined) return `${unknown} is not known: see npm test -- --help`
  const vitestArgs = [...filters, ...(end < 0 ? [] : args.slice(end + 1))]
  const chosen = options.some((option) => option !== '--long' && option !== '--short')
  const narrowed = vitestArgs.length > 0
  const has = (/** @type {string} */ option) => options.includes(option)
  return {
    help: has('--help') || has('-h'),
    checks: chosen ? has('--checks') : !narrowed,
    unit: chosen ? has('--unit') : true,
    e2e: chosen ? has('--e2e') : true,
    servers: chosen ? has('--servers') : true,
    observability: has('--observability'),
    images: has('--images'),
    fault: has('--fault'),
    long: has('--long') && !has('--short'),
    all: !chosen && !narrowed,
    vitestArgs,
  }
}
