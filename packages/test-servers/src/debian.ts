import { existsSync } from 'node:fs'
import { run } from './run.js'

const LIMIT_MS = 5 * 60_000
/** Held while packages are installed: several test files may miss the same server at once. */
const LOCK = '/tmp/fractal-lba-test-servers.lock'

/** Whether packages can be installed here: Debian or one of its children, and root. */
export function canInstallDebian(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/flock')
}

/**
 * Installs Debian packages without starting the services in them. One process at a time; those that waited find
 * them installed. @throws Error with what apt wrote.
 */
export async function installDebian(packages: readonly string[], say: (line: string) => void): Promise<void> {
  say(`installing the Debian packages ${packages.join(', ')}`)
  await run('/usr/bin/flock', [LOCK, '/bin/sh', '-ec', INSTALL, 'sh', ...packages], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: LIMIT_MS,
  })
}

// policy-rc.d is how Debian is told to start nothing; one that is there already is left as it is.
const INSTALL = `
dpkg -s "$@" >/dev/null 2>&1 && exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' >$policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
install() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=240 "$@"; }
install "$@" || { apt-get update -o DPkg::Lock::Timeout=240 && install "$@"; }
`
