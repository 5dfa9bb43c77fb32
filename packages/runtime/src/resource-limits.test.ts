import { describe, expect, it } from 'vitest'
import { resourceLimits } from './resource-limits.js'

const MACHINE = { cpuCores: 8, memoryBytes: 16e9 }

const limitsWith = (files: Readonly<Record<string, string>>) => resourceLimits((path) => files[path], MACHINE)

describe('the limits of a process', () => {
  it('are the machine’s where there is no cgroup', () => {
    expect(limitsWith({})).toEqual(MACHINE)
  })

  it('are those of version 2', () => {
    expect(
      limitsWith({
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/memory.max': '536870912\n',
      }),
    ).toEqual({ cpuCores: 1.5, memoryBytes: 536_870_912 })
  })

  it('are the lowest on the way up to the topmost cgroup', () => {
    expect(
      limitsWith({
        '/proc/self/cgroup': '0::/kubepods/pod1/main\n',
        '/sys/fs/cgroup/kubepods/pod1/main/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/kubepods/pod1/cpu.max': '50000 100000\n',
        '/sys/fs/cgroup/kubepods/cpu.max': '400000 100000\n',
        '/sys/fs/cgroup/kubepods/pod1/main/memory.max': '2000000\n',
        '/sys/fs/cgroup/kubepods/pod1/memory.max': 'max\n',
      }),
    ).toEqual({ cpuCores: 0.5, memoryBytes: 2_000_000 })
  })

  it('are read at the top where the path of the cgroup is that of another namespace', () => {
    expect(
      limitsWith({
        '/proc/self/cgroup': '0::/../../docker/0123\n',
        '/sys/fs/cgroup/cpu.max': '200000 100000\n',
      }),
    ).toEqual({ cpuCores: 2, memoryBytes: MACHINE.memoryBytes })
  })

  it('are those of version 1, which has no limit at -1 and at a number beyond the machine', () => {
    const groups = '4:memory:/a\n3:cpu,cpuacct:/b\n1:name=systemd:/c\n'
    expect(
      limitsWith({
        '/proc/self/cgroup': groups,
        '/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us': '25000\n',
        '/sys/fs/cgroup/cpu/b/cpu.cfs_period_us': '50000\n',
        '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '1000000000\n',
      }),
    ).toEqual({ cpuCores: 0.5, memoryBytes: 1e9 })
    expect(
      limitsWith({
        '/proc/self/cgroup': groups,
        '/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/b/cpu.cfs_period_us': '50000\n',
        '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '9223372036854771712\n',
      }),
    ).toEqual(MACHINE)
  })

  it('can be read here, whatever this is', () => {
    const { cpuCores, memoryBytes } = resourceLimits()
    expect(cpuCores).toBeGreaterThan(0)
    expect(memoryBytes).toBeGreaterThan(0)
  })
})
