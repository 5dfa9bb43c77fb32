import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'

const HELP = `npm run images                       builds the images of the Dockerfile with podman: localhost/fractal-lba/…:local
npm run images -- --local-base       over a base made here, of Debian's packages and Node from npm, where no image
                                     registry is reached: to try and to test, not to ship
npm run images -- --tag TAG          another tag
npm run images -- wal tools          these alone

With another builder: docker build --target gateway --tag fractal-lba/gateway . (and so on; the targets are in Dockerfile).
`

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const { local, tag, targets } = asked(process.argv.slice(2))
endWithParent()
try {
  await ready(say)
  await images()
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  say(`It cannot build: ${error.message}`)
  process.exitCode = 1
}

async function images() {
  const { buildImages, findPodman, imageMegabytes, imageTargets, localBases } = await import(
    '@fractal-lba/test-servers'
  )
  const unknown = targets.find((target) => !imageTargets.some((known) => known === target))
  if (unknown !== undefined) throw new NotReady(`${unknown} is none of ${imageTargets.join(', ')}`)
  const podman = await findPodman()
  if ('missing' in podman) throw new NotReady(podman.missing)
  const bases = local ? await localBases(podman, say) : undefined
  if (bases && 'missing' in bases) throw new NotReady(bases.missing)
  const wanted = imageTargets.filter((target) => targets.length === 0 || targets.includes(target))
  const built = await buildImages(podman, { root, tag, targets: wanted, ...(bases && { bases }) }, say)
  for (const image of [...(bases ? [bases.base] : []), ...built.values()]) {
    say(`${(await imageMegabytes(podman, image)).toFixed(0).padStart(6)} MB  ${image}`)
  }
}

/** @param {readonly string[]} words */
function asked(words) {
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(HELP)
    process.exit()
  }
  const at = words.indexOf('--tag')
  const given = at < 0 ? 'local' : (words[at + 1] ?? '')
  const rest = words.filter((_, index) => at < 0 || (index !== at && index !== at + 1))
  const unknown = rest.find((word) => word.startsWith('-') && word !== '--local-base')
  if (unknown !== undefined || !/^[\w.-]+$/.test(given)) {
    say(`${unknown ?? `--tag ${given}`} cannot be understood: see npm run images -- --help`)
    process.exit(2)
  }
  return {
    local: rest.includes('--local-base'),
    tag: given,
    targets: rest.filter((word) => !word.startsWith('-')),
  }
}
