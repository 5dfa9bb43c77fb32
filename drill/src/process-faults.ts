import { readFileSync } from 'node:fs'
import type { ServiceName } from '@fractal-lba/local'
import { Cgroup } from './cgroup.js'
import type { DrillSite } from './drill-site.js'
import { type Fault, needsRoot } from './fault.js'

/** Far less than a process needs that waits. */
const CORES = 0.01
/** Within two weeks by the scaled time of the drill, and after its end. */
const SOON_MS = 5 * 60_000

function hang(service: ServiceName, alerts: readonly string[]): Fault {
  return {
    what: `${service} hangs (SIGSTOP)`,
    alerts,
    begin: ({ constellation }) => constellation.kill(service, 'SIGSTOP'),
    end: ({ constellation }) => constellation.kill(service, 'SIGCONT'),
  }
}

function limited(
  kind: 'cpu' | 'memory',
  what: string,
  alert: string,
  limitOf: (pid: number) => number,
): Fault {
  let cgroup: Cgroup | undefined
  return {
    what,
    alerts: [alert],
    obstacle: needsRoot,
    begin: async (site) => {
      const pid = pidOf(site, 'signal-scoring')
      cgroup = new Cgroup(kind, pid, limitOf(pid))
    },
    end: async () => cgroup?.remove(),
  }
}

function pidOf({ constellation }: DrillSite, service: ServiceName): number {
  const pid = constellation.pids()[service]
  if (pid === undefined) throw new Error(`${service} does not run`)
  return pid
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

export const processFaults: readonly Fault[] = [
  hang('signal-scoring', ['FLKBackendDown page']),
  hang('wal', ['FLKWALAppendErrors critical', 'FLKHealthCheckFailing critical']),
  {
    what: 'one of two verifiers hangs',
    alerts: ['FLKBackendDown warning'],
    begin: async ({ secondVerifier }) => secondVerifier.pause(),
    end: async ({ secondVerifier }) => secondVerifier.resume(),
  },
  {
    what: 'the clock of signal-scoring is set an hour ahead',
    alerts: ['FLKClockOff critical'],
    obstacle: async ({ scoringClock }) => (scoringClock ? undefined : 'libfaketime is not installed'),
    begin: async ({ scoringClock }) => scoringClock?.set(3_600),
    end: async ({ scoringClock }) => scoringClock?.set(0),
  },
  {
    what: 'the key that agents sign with ends soon',
    alerts: ['FLKKeyOrCertificateExpiring warning'],
    begin: async ({ keyFile }) => keyFile.setEnd(new Date(Date.now() + SOON_MS)),
    end: async ({ keyFile }) => keyFile.setEnd(undefined),
  },
  {
    what: 'the collector of spans is away',
    alerts: ['FLKTelemetryDropped info'],
    begin: ({ spanSink }) => spanSink.close(),
    end: ({ spanSink }) => spanSink.comeBack(),
  },
  limited('cpu', `signal-scoring may use ${CORES} cores`, 'FLKHighCPU warning', () => CORES),
  limited(
    'memory',
    'signal-scoring may use little more memory than it has',
    'FLKHighMemory warning',
    (pid) => residentBytes(pid) * 1.1,
  ),
]
